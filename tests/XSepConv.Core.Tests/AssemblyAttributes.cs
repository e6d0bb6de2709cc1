// Live tensor counts and torch's thread and random state belong to the process.
[assembly: Parallelization(Mode = ParallelizationMode.None)]
