import type { MeshBenchFile } from '../../bench/bench-file.ts'
import type { BenchError } from '../../core/errors.ts'
import { meshCoreLayout } from '../../core/mesh-layout.ts'
import type { RandomStream } from '../../core/random.ts'
import { NO_DEFECTS } from '../../sim/optics/defects.ts'
import type { TwinDefects } from '../../sim/optics/defects.ts'

export const DEFECT_KINDS = [
  'heater cable off',
  'heater output stuck',
  'detector dark',
  'detector saturated',
  'laser off by 10 GHz',
  'any two heater cables exchanged',
  'neighbouring heater cables exchanged',
  'phi and theta exchanged',
] as const
export type DefectKind = (typeof DEFECT_KINDS)[number]

export interface Defect {
  readonly defects: TwinDefects
  /** In words. */
  readonly what: string
  /** Whether an error names it, and nothing else. */
  readonly isNamed: (error: BenchError) => boolean
}

/** One defect of its kind, the victim drawn at random. */
export function defectOf(kind: DefectKind, file: MeshBenchFile, random: RandomStream): Defect {
  const { channels } = file.wiring.heaters
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.uniform(0, list.length))]!
  switch (kind) {
    case 'heater cable off': {
      const channel = pick(channels)
      return heaterDefect(file, channel, { deadHeaters: [channel] })
    }
    case 'heater output stuck': {
      const channel = pick(channels)
      const voltageV = random.uniform(0, file.wiring.heaters.limitV)
      return heaterDefect(file, channel, { stuckHeaters: [{ channel, voltageV }] })
    }
    case 'detector dark':
      return detectorDefect(file, random, (place) => ({ darkPorts: [place] }))
    case 'detector saturated': {
      // Brightest products put about 0.6 mW on a detector.
      const saturationMw = random.uniform(1, 4)
      return detectorDefect(file, random, (place) => ({ saturatedPorts: [{ ...place, saturationMw }] }))
    }
    case 'laser off by 10 GHz': {
      const lane = Math.floor(random.uniform(0, file.wiring.lanes.length))
      const offGhz = pick([-10, 10])
      return {
        defects: { ...NO_DEFECTS, laserOffsetsGhz: { [file.wiring.lanes[lane]!.laser]: offGhz } },
        what: `lane ${lane}, ${offGhz} GHz`,
        isNamed: ({ context: { lane: named, offsetGhz } }) =>
          named === lane && Math.abs(Number(offsetGhz) - offGhz) < 3,
      }
    }
    case 'any two heater cables exchanged': {
      const one = pick(channels)
      return exchanged(file, one, pick(channels.filter((channel) => channel !== one)))
    }
    case 'neighbouring heater cables exchanged': {
      const at = Math.floor(random.uniform(0, channels.length - 1))
      const sorted = channels.toSorted((a, b) => a - b)
      return exchanged(file, sorted[at]!, sorted[at + 1]!)
    }
    case 'phi and theta exchanged': {
      const { size, lanes, design } = file.wiring
      const { first, sigma, second } = meshCoreLayout(size, lanes.length, design)
      const pairs = [first, sigma, second].flatMap(({ phi, theta }) =>
        phi.map((heater, i) => [heater, theta[i]!] as const),
      )
      const [phi, theta] = pick(pairs)
      return exchanged(file, channels[phi]!, channels[theta]!)
    }
  }
}

function heaterDefect(file: MeshBenchFile, channel: number, defect: Partial<TwinDefects>): Defect {
  return {
    defects: { ...NO_DEFECTS, ...defect },
    what: roleOf(file, channel),
    isNamed: ({ context }) => context['channel'] === channel,
  }
}

function exchanged(file: MeshBenchFile, a: number, b: number): Defect {
  return {
    defects: { ...NO_DEFECTS, swappedHeaters: [[a, b]] },
    what: `${roleOf(file, a)} and ${roleOf(file, b)}`,
    isNamed: ({ context: { channels } }) => {
      const named = Array.isArray(channels) ? (channels as readonly number[]) : []
      return named.length === 2 && named.includes(a) && named.includes(b)
    },
  }
}

function detectorDefect(
  { wiring: { lanes } }: MeshBenchFile,
  random: RandomStream,
  defectAt: (place: TwinDefects['darkPorts'][number]) => Partial<TwinDefects>,
): Defect {
  const lane = Math.floor(random.uniform(0, lanes.length))
  const side = random.uniform() < 0.5 ? 'plus' : 'minus'
  const port = Math.floor(random.uniform(0, lanes[lane]![side].length))
  const { instrument, index } = lanes[lane]![side][port]!
  const meterPort = `${instrument}.${index + 1}`
  return {
    defects: { ...NO_DEFECTS, ...defectAt({ meter: instrument, port: index }) },
    what: `lane ${lane}, output ${port}, ${meterPort}`,
    isNamed: ({ context }) =>
      context['lane'] === lane && context['port'] === port && context['meterPort'] === meterPort,
  }
}

function roleOf({ wiring: { size, lanes, design, heaters } }: MeshBenchFile, channel: number): string {
  const { role } = meshCoreLayout(size, lanes.length, design).heaters[heaters.channels.indexOf(channel)]!
  return `channel ${channel} ${JSON.stringify(role)}`
}
