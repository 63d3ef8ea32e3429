import { VirtualClock } from '../core/clock.ts'
import { AWGR_PARAMETERS } from '../sim/optics/parameters/awgr-parameters.ts'
import { MESH_PARAMETERS } from '../sim/optics/parameters/mesh-parameters.ts'
import type { Parameters } from '../sim/optics/parameters/parameter.ts'
import type { BenchFile } from './bench-file.ts'
import { twinWorld } from './twin-world.ts'

/** What JSON can say. */
export type Plain = number | string | boolean | null | readonly Plain[] | PlainObject
export interface PlainObject {
  readonly [key: string]: Plain
}

/** One parameter of a twin as it was used; its unit is in its name. */
export interface UsedParameter {
  readonly value: number
  readonly default: number
  readonly min: number
  readonly max: number
  readonly source: string
}

/** The hidden truth of a twin, for people who ask for it: never for a calibration or a job. */
export interface FabricatedChip {
  readonly parameters: Readonly<Record<string, UsedParameter>>
  /** Device by device, as the twin keeps it. Typed arrays are lists, maps are objects. */
  readonly truth: PlainObject
}

const KNOWN: Readonly<Record<BenchFile['kind'], Parameters>> = { mesh: MESH_PARAMETERS, awgr: AWGR_PARAMETERS }

/** What was fabricated for a seed, whatever the bench's core: the same chip that `--sim --seed` puts behind the wires. */
export function fabricatedChip(file: BenchFile, seed: number): FabricatedChip {
  const { truth } = twinWorld(file, { seed, clock: new VirtualClock() })
  return { parameters: usedParameters(file.twin, KNOWN[file.kind]), truth: plain(truth) as PlainObject }
}

function usedParameters(used: Readonly<Record<string, number>>, known: Parameters): FabricatedChip['parameters'] {
  const entries = Object.entries(used).map(([name, value]) => {
    const { value: byDefault, min, max, source } = known[name]!
    return [name, { value, default: byDefault, min, max, source }]
  })
  return Object.fromEntries(entries) as FabricatedChip['parameters']
}

/** More than a text can hold: only the crosstalk between all pairs of a large chip, which its parameters and layout give. */
const LONGEST_LIST = 2 ** 20

/** Data of any shape without what JSON cannot say. Of an object with a class of its own: what its getters tell. */
function plain(value: unknown): Plain {
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map(plain)
  if (ArrayBuffer.isView(value)) {
    const list = value as Float64Array
    return list.length > LONGEST_LIST ? null : Array.from(list)
  }
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [String(key), plain(each)]))
  if (typeof value !== 'object' || value === null) return null
  const fields = Object.entries(value).filter(([, each]) => typeof each !== 'function')
  return Object.fromEntries([...fields, ...gettersOf(value)].map(([key, each]) => [key, plain(each)]))
}

function gettersOf(instance: object): [string, unknown][] {
  const prototype = Object.getPrototypeOf(instance) as object
  if (prototype === Object.prototype) return []
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([, descriptor]) => 'get' in descriptor)
    .map(([key]) => [key, (instance as Readonly<Record<string, unknown>>)[key]])
}
