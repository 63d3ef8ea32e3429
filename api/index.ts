/** What programs import from 'fringe'. */
export { FringeBench, openBench } from './fringe-bench.ts'
export type { CalibratedCore, JobOptions, MatmulAnswer, MatmulOptions, OpenOptions } from './fringe-bench.ts'
export type { LayersDocument, LayersWish } from '../cli/layer-energy.ts'
export type { NumericArray, Numbers } from './arrays.ts'
export { BenchError, isBenchError } from '../core/errors.ts'
export type { BenchErrorCode } from '../core/errors.ts'
