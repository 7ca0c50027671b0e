"""Training on more rows than one memory holds: ``kairos train --rows DIR --ray``.

Ray Data reads the files, Ray Train's xgboost trainer grows the trees; everything else is ``models.scoring.training``,
by the same code as without Ray. The files are read once, by workers that each take a share. What is done to every row:
the boundaries of the split in time (exact, by narrowing ranges of instants), all counts, and growth, early stopping
included. What is done on the driver, to a sample of about ``limits.TRAINING_SAMPLE_ROWS`` rows that is drawn by a hash
of each row: selection of features, calibration, the judging and the reference shares. Where there are fewer rows the
sample is all of them.

So with one worker, on rows that fit the sample, the scorer is the one that training without Ray gives, to the byte.
With more workers split and sample are the same and the trees differ: each worker draws the rows of a tree
(``subsample``) among its own; and Ray Data gives all workers equally many rows, which leaves out fewer rows than there
are workers.

No process holds all rows. A worker puts its share on its own disk (four bytes per number) and holds at most some 80
bytes per row of it, a batch, and at most ``limits.TRAINING_NUMBERS_IN_MEMORY`` quantiles: those of a larger part stay
on disk (xgboost's external memory), and growth reads them once per tree level.
"""
