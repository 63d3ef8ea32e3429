import { setMaxListeners } from 'node:events'

// Dozens of instruments listen to one signal; Node would call that a leak.
setMaxListeners(1000)
