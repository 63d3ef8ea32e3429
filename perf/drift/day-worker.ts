import { parentPort, workerData } from 'node:worker_threads'
import { dayOf } from './day.ts'

/** A thread of `npm run bench -- drift`: is given a chip's seed, and posts its day. */
parentPort!.postMessage(await dayOf(workerData as number))
