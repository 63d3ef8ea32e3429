import type { AwgrBench } from './awgr-bench.ts'
import type { MeshBench } from './mesh-bench.ts'

/** A bench with whatever core multiplies on it. */
export type Bench = MeshBench | AwgrBench
