import { parentPort, workerData } from 'node:worker_threads'
import { measureChip } from './chip.ts'

/** A thread of `npm run bench -- intensity-12`: is given a chip's seed, and posts what was measured of it. */
parentPort!.postMessage(await measureChip(workerData as number))
