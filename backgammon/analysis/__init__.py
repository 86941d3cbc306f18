"""How well a match was played: every roll judged by an engine, the figures with their uncertainty, and reports.

rolls      every roll of a replayed game, dances included
judging    what each roll and each play was worth
figures    sums and rates of each player, with 95 % intervals
scales     marks and rating words of other programs
table      candidates as lines of text
text, page, document   the report as text, HTML and JSON
"""
