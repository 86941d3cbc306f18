"""The board in the browser: a thin face of table, engine and analysis. The server decides everything.

request_fields  what a page sends, checked
wire            what a page gets: a game as JSON
engine_desk     who plays against the person, and who judges
table_room      games in play, saved as they go
application     the routes
static          the page: plain modules, nothing from outside
"""
