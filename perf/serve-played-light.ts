import koffi from 'koffi'
import { keepFreedMemory } from '../cli/keep-freed-memory.ts'
import { SystemClock } from '../core/clock.ts'
import { simM8195a } from '../sim/instruments/sim-m8195a.ts'
import { simN7745 } from '../sim/instruments/sim-n7745.ts'
import { simQontrol } from '../sim/instruments/sim-qontrol.ts'
import type { DetectorPort, DrivePort } from '../sim/optics/world-ports.ts'
import { servePseudoTerminal } from '../sim/ports/pseudo-terminal.ts'
import { serveTcp } from '../sim/ports/tcp-server.ts'
import type { WireInstrument } from '../sim/ports/wire-instrument.ts'

/** What the meters of a bench will have seen. */
export interface PlayedLight {
  /** [tile][meter][port]: mW, one a point, the same in all frames of a tile. */
  readonly logsMw: readonly (readonly (readonly Float64Array[])[])[]
  readonly framesPerTile: number
  readonly generators: number
  readonly heaterModules: number
  /** What the one link carries that all generators hang on. */
  readonly uploadBytesPerS: number
}

export interface PlayedPlaces {
  readonly meters: readonly number[]
  readonly generators: readonly number[]
  readonly heaters: string
}

/*
 * Simulated meters, generators and heater drivers in a process and a time of their own. Light that was computed before
 * falls on the meters, frame by frame, so that nothing but the instruments' own time passes.
 */
// As every command that lights a bench.
keepFreedMemory()
const clock = new SystemClock()
const context = (name: string, settings = {}) => ({ name, seed: 1, clock, settings })

process.once('message', (message) => {
  void serve(message as PlayedLight).then((places) => process.send!(places))
})
process.once('disconnect', () => process.exit())

async function serve(light: PlayedLight): Promise<PlayedPlaces> {
  const triggers: (() => void)[] = []
  let frame = -1
  const detectors = (meter: number): DetectorPort => ({
    powerMw: () => 0,
    captureMw: (port) => light.logsMw[Math.floor(frame / light.framesPerTile)]![meter]![port]!,
    onTrigger: (listener) => void triggers.push(listener),
  })
  const drive = (generator: number): DrivePort => ({
    rest: () => undefined,
    load: () => undefined,
    start: () => {
      if (generator > 0) return
      frame++
      for (const trigger of triggers) trigger()
    },
    onTrigger: (listener) => {
      if (generator > 0) triggers.push(listener)
    },
  })
  const meters = light.logsMw[0]!.map((_, index) => simN7745.create(detectors(index), context(`pm-${index}`)))
  const link = sharedLink(light.uploadBytesPerS)
  const generators = Array.from({ length: light.generators }, (_, index) =>
    link(simM8195a.create(drive(index), context(`awg-${index}`))),
  )
  const heaters = simQontrol.create(
    { setVoltageV: () => undefined, currentMa: () => 0 },
    context('shifters', { modules: light.heaterModules }),
  )
  const ports = async (instruments: readonly WireInstrument[]): Promise<number[]> =>
    Promise.all(instruments.map(async (instrument) => (await serveTcp(instrument)).port))
  return {
    meters: await ports(meters),
    generators: await ports(generators),
    heaters: (await servePseudoTerminal(heaters)).path,
  }
}

/** The shortest timer is a millisecond, and late by a tenth of one, or a little more. */
const TIMER_MS = 1
const TIMER_TAKES_NS = 1.3e6
/** A thread that slept, and the event loop that it wakes, are late by less. */
const LOOKED_AT_NS = 0.2e6
const SHORTEST_NAP_NS = 0.1e6
const usleep = koffi.load(null).func('int usleep(uint32_t us)')

/** Calls after some of the time that is left: whoever looked all the time would take a processor from the other side. */
function later(leftNs: number, then: () => void): void {
  const napNs = leftNs - LOOKED_AT_NS
  if (napNs > TIMER_TAKES_NS) setTimeout(then, TIMER_MS)
  else if (napNs > SHORTEST_NAP_NS) usleep.async(Math.round(napNs / 1e3), then)
  // Only the end of an upload is waited for to the microsecond.
  else setImmediate(then)
}

/** Puts instruments behind one link: bytes arrive no sooner than it carries them, whoever they are for. */
function sharedLink(bytesPerS: number): (instrument: WireInstrument) => WireInstrument {
  const waiting: { readonly dueNs: number; deliver(): void }[] = []
  let freeNs = 0
  const deliverDue = (): void => {
    for (let first = waiting[0]; first !== undefined && first.dueNs <= clock.monotonicNs(); first = waiting[0]) {
      waiting.shift()
      first.deliver()
    }
    const last = waiting.at(-1)
    if (last !== undefined) later(last.dueNs - clock.monotonicNs(), deliverDue)
  }
  return (instrument) => ({
    attach: (send) => {
      const connection = instrument.attach(send)
      return {
        receive: (bytes) => {
          freeNs = Math.max(freeNs, clock.monotonicNs()) + (bytes.length / bytesPerS) * 1e9
          const arrived = bytes.slice()
          waiting.push({ dueNs: freeNs, deliver: () => connection.receive(arrived) })
          if (waiting.length === 1) deliverDue()
        },
        detach: () => connection.detach(),
      }
    },
  })
}
