"""Work in units: named by what they depend on, done by anybody, once, whole or not at all.

    work_unit      a unit: its name, and the work
    message        what a unit is told and what it answers, as bytes
    content        bytes that many units share (a model), known by their digest, there once in each worker
    result_store   results in a folder, by name: an interrupted run goes on where it stopped
    delivery       the file or folder that units make together, whole or not at all
    workers        where units are done: here, on threads, in processes; the seam for other machines
    cluster        the same on the machines of a Dask or Ray cluster
    unit_run       does units by workers, keeps results in a store, survives the death of a worker

Nothing in a result depends on how many workers there are, on their order, or on which of them died.
"""
