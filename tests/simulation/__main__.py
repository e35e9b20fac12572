"""Runs one seed again, with or without a planted fault, and prints its trace."""

import sys

from tests.simulation.plants import PLANTS
from tests.simulation.simulation import NOTHING, run

seed, plant = int(sys.argv[1]), " ".join(sys.argv[2:])
done = run(seed, PLANTS[plant].plant if plant else NOTHING)
sys.stdout.write("\n".join((*done.trace, done.text(plant).splitlines()[-2], "")))
