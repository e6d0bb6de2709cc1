"""starts.py PROGRAM ARGUMENT...: the median time of 61 runs of a program, from its start to its end."""
import subprocess
import sys
import time

times = []
for _ in range(61):
    start = time.perf_counter()
    subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
    times.append(time.perf_counter() - start)
print(f"{1000 * sorted(times)[len(times) // 2]:.1f} ms from start to end, median of {len(times)} runs")
