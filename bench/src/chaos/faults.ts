import { createClockFaults } from './clock-faults.ts'
import { createDatabaseFaults } from './database-faults.ts'
import type { Fault, Meddling } from './fault.ts'
import { createNeighbourFaults } from './neighbour-faults.ts'
import { createProcessFaults } from './process-faults.ts'

/** All that can happen. */
export const createFaults = (meddling: Meddling): Fault[] => [
  ...createProcessFaults(meddling),
  ...createDatabaseFaults(meddling),
  ...createNeighbourFaults(meddling),
  ...(meddling.world.clocks ? createClockFaults(meddling, meddling.world.clocks) : []),
]
