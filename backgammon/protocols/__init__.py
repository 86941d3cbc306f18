"""The engine at other programs' tables: GNU Backgammon's external player, UBGI and wildbg's HTTP interface.

    lines      bounded lines from a client
    adviser    what the engine answers: a play, a ranking, chances, the cube
    fibs_board a board line of GNU Backgammon, as a state of the turn machine
    gnubg      the external player: a server that GNU Backgammon connects to
    ubgi       Universal Backgammon Interface 0.1 and 0.2 on standard input and output
    wildbg     wildbg's requests and answers
    web_server the HTTP server around it

Every protocol puts its question as a `game.GameState`, and what may be done only `game` says. A client that talks
nonsense gets an error line and the engine goes on.
"""
