// Lets worker threads of a test run TypeScript; in the main thread vitest reads it itself.
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

if (!isMainThread) register('./typescript-loader.mjs', import.meta.url)
