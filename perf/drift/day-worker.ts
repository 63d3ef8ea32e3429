import { setMaxListeners } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { dayOf } from './day.ts'

// A thread has defaults of its own; dozens of instruments listen to one signal.
setMaxListeners(1000)

/** A thread of `npm run bench -- drift`: is given a chip's seed, and posts its day. */
parentPort!.postMessage(await dayOf(workerData as number))
