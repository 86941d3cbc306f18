"""Games of its own, labels for them, rounds of improvement: what a net learns from when nobody hands it logs.

    teacher             who plays and judges, in a form that travels to any worker
    gnubg_teacher       GNU Backgammon as one
    joint_evaluator     several that judge the leaves of a look-ahead together
    contested_searcher  a ply deeper where the best two are close
    teacher_verdict     what a teacher says, and the labels that are learnt from it
    self_play           games of a player against itself, in units
    shard_labels        every candidate of a shards folder judged, in units
    line_labels         the same of logs and lines, as lines of labels
    improvement         rounds of games, labels and training

What is made does not depend on the workers, nor on how often it was interrupted.
"""
