"""The peak memory of Python with nothing loaded."""

print(next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))  # noqa: PTH123, SIM115  # pathlib would be something loaded
