"""Players as plain values, built in one place, and duels of them that anybody may play.

player_spec     what a player is made of, and how it is built
packed_player   the same in a form that travels to any worker
duel_units      duels cut into pairs of games
"""
