import { keepFreedMemory } from '../cli/keep-freed-memory.ts'
import { SystemClock } from '../core/clock.ts'
import { simM8195a } from '../sim/instruments/sim-m8195a.ts'
import { simN7745 } from '../sim/instruments/sim-n7745.ts'
import { simT7 } from '../sim/instruments/sim-t7.ts'
import { serveHislip } from '../sim/ports/hislip-server.ts'
import { isMessageInstrument } from '../sim/ports/message-instrument.ts'
import { servePseudoTerminal } from '../sim/ports/pseudo-terminal.ts'
import { serveTcp } from '../sim/ports/tcp-server.ts'
import { serveVxi11 } from '../sim/ports/vxi11-server.ts'

/** Simulated instruments in a process of their own; tells its parent where each of them listens. */
const dark = {
  powerMw: () => 0,
  captureMw: (_: number, points: number) => new Float64Array(points),
  onTrigger: () => undefined,
}
const unplugged = { rest: () => undefined, load: () => undefined, start: () => undefined, onTrigger: () => undefined }
// As every command that lights a bench.
keepFreedMemory()
const clock = new SystemClock()
const context = (name: string) => ({ name, seed: 1, clock, settings: {} })

const meter = simN7745.create(dark, context('meter'))
if (!isMessageInstrument(meter)) throw new Error('the simulated meter has no messages')
const vxi11 = await serveVxi11(new Map([['inst0', meter]]), { portmapper: 'if-possible' })
const places = {
  socket: (await serveTcp(meter)).port,
  vxi11: vxi11.port,
  /** Whether a client finds VXI-11 without being told the port. */
  hasPortmapper: vxi11.portmapperPort !== undefined,
  hislip: (await serveHislip(new Map([['hislip0', meter]]), {})).port,
  terminal: (await servePseudoTerminal(simN7745.create(dark, context('serial meter')))).path,
  generator: (await serveTcp(simM8195a.create(unplugged, context('generator')))).port,
  monitor: (await serveTcp(simT7.create({ voltageV: () => 0 }, { ...context('monitor'), unit: 1 }))).port,
}
export type Places = typeof places

process.send!(places)
process.once('disconnect', () => process.exit())
