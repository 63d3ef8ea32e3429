import { SystemClock } from '../core/clock.ts'
import { simN7745 } from '../sim/instruments/sim-n7745.ts'
import { serveTcp } from '../sim/ports/tcp-server.ts'

/** A simulated power meter in a process of its own; tells its parent the port. */
const dark = {
  powerMw: () => 0,
  captureMw: (_: number, points: number) => new Float64Array(points),
  onTrigger: () => undefined,
}
const meter = simN7745.create(dark, { name: 'meter', seed: 1, clock: new SystemClock(), settings: {} })
const { port } = await serveTcp(meter)
process.send!(port)
process.once('disconnect', () => process.exit())
