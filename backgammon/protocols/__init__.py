"""The engine at other programs' tables: GNU Backgammon's external player, UBGI and wildbg's HTTP interface.

    lines           bounded lines from a client
    adviser         what the engine answers: a play, a ranking, chances, the cube
    fibs_board      a board line of GNU Backgammon, as a state of the turn machine
    external_player a server that GNU Backgammon connects to
    ubgi_engine     Universal Backgammon Interface 0.1 and 0.2 on standard input and output; ubgi_settings: its options
    wildbg          wildbg's requests and answers; wildbg_app: its routes
    http_guard      what an HTTP server lets in
    http_server     runs an ASGI application, bounded in connections and in its clients' time

Every protocol puts its question as a `game.GameState`, and what may be done only `game` says. A client that talks
nonsense gets an error line and the engine goes on.
"""
