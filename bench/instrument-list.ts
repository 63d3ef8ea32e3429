import { BenchError } from '../core/errors.ts'
import type { DriverEntry } from '../drivers/driver-entry.ts'
import { instrumentName, instrumentSchema } from './bench-schema.ts'
import { didYouMean } from './closest-name.ts'
import { explainIssues, knownKeys, requirement, schemaAt, shown } from './explain-issue.ts'
import { placeOf, wireKey } from './resource-place.ts'
import { RESOURCE_EXAMPLES, parseResource } from './resource.ts'
import type { Resource } from './resource.ts'
import type { Problem, Placed } from './yaml-source.ts'

/** One instrument of the bench file: who speaks to it, where it is plugged in, and its settings. */
export interface BenchInstrument {
  readonly name: string
  readonly driver: string
  readonly entry: DriverEntry
  readonly resource: Resource
  /** As the driver's own schema read them. */
  readonly settings: unknown
}

export type Drivers = Readonly<Record<string, DriverEntry>>

export interface InstrumentList {
  /** Undefined where the entry itself is wrong: the name exists, and nothing more is known of it. */
  readonly instruments: ReadonlyMap<string, BenchInstrument | undefined>
  readonly problems: readonly Problem[]
}

export function readInstruments(source: Placed, drivers: Drivers): InstrumentList {
  const instruments = new Map<string, BenchInstrument | undefined>()
  const problems: Problem[] = []
  const written = (source.data as { instruments?: unknown }).instruments
  if (typeof written !== 'object' || written === null || Array.isArray(written)) {
    const what = written === undefined ? 'is missing' : `is ${shown(written)}`
    const right = 'list every instrument like laser-0: { driver: oif-itla, resource: ASRL/dev/ttyUSB0::INSTR }'
    return { instruments, problems: [source.problem(['instruments'], `${what}; ${right}`)] }
  }
  for (const [name, value] of Object.entries(written)) {
    const found = readInstrument(name, value, source, drivers)
    problems.push(...found.problems)
    instruments.set(name, found.problems.length === 0 ? found.instrument : undefined)
  }
  return { instruments, problems: [...problems, ...sharedResources(instruments, source)] }
}

function readInstrument(
  name: string,
  value: unknown,
  source: Placed,
  drivers: Drivers,
): { readonly instrument?: BenchInstrument; readonly problems: readonly Problem[] } {
  const path = ['instruments', name]
  const problems: Problem[] = []
  const named = instrumentName.safeParse(name)
  if (!named.success) problems.push(source.keyProblem(path, `${shown(name)} ${named.error.issues[0]?.message ?? ''}`))
  const parsed = instrumentSchema.safeParse(value)
  if (!parsed.success) {
    problems.push(...explainIssues(parsed.error.issues, instrumentSchema, path, source))
    return { problems }
  }
  const { driver, resource: resourceText, ...written } = parsed.data
  const entry = Object.hasOwn(drivers, driver) ? drivers[driver] : undefined
  if (entry === undefined) {
    const right = didYouMean(driver, Object.keys(drivers))
    problems.push(source.problem([...path, 'driver'], `there is no driver ${shown(driver)}; ${right}`))
  }
  let resource: Resource | undefined
  try {
    resource = parseResource(resourceText)
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    problems.push(source.problem([...path, 'resource'], error.message))
  }
  if (entry === undefined) return { problems }
  if (resource !== undefined && !entry.wires.includes(resource.wire)) {
    const right = `write it like ${entry.wires.map((wire) => RESOURCE_EXAMPLES[wire]).join(' or ')}`
    const why = `${shown(resourceText)} is ${WIRES[resource.wire]}, which ${driver} does not speak; ${right}`
    problems.push(source.problem([...path, 'resource'], why))
  } else if (resource?.wire === 'serial' && (resource.line ?? entry.serialLine) === undefined) {
    const right = 'add it, like ASRL/dev/ttyUSB0::9600-8N1::INSTR'
    const why = `${driver} says nothing of how to set a plain serial line; ${right}`
    problems.push(source.problem([...path, 'resource'], why))
  }
  // Modbus drivers have the unit among their settings; people write it once, in the resource.
  const takesUnit = knownKeys(entry.settings).includes('unit')
  if (takesUnit && 'unit' in written) {
    problems.push(source.keyProblem([...path, 'unit'], 'stands at the end of the resource already; remove it here'))
  }
  const unit = takesUnit && resource !== undefined && 'unit' in resource ? { unit: resource.unit } : {}
  const settings = entry.settings.safeParse({ ...written, ...unit })
  if (!settings.success) {
    const [ofUnit, others] = partition(settings.error.issues, (issue) => issue.path[0] === 'unit')
    for (const issue of ofUnit) {
      const right = requirement(issue, schemaAt(entry.settings, ['unit']))
      problems.push(source.problem([...path, 'resource'], `the unit at the end of ${shown(resourceText)} ${right}`))
    }
    problems.push(...explainIssues(others, entry.settings, path, source))
  }
  if (resource === undefined || !settings.success) return { problems }
  return { instrument: { name, driver, entry, resource, settings: settings.data }, problems }
}

function partition<T>(list: readonly T[], first: (item: T) => boolean): [T[], T[]] {
  return [list.filter(first), list.filter((item) => !first(item))]
}

const WIRES: Readonly<Record<Resource['wire'], string>> = {
  socket: 'a raw socket',
  vxi11: 'a VXI-11 instrument',
  hislip: 'a HiSLIP instrument',
  usbtmc: 'a USB instrument',
  visa: 'a name for a VISA library',
  http: 'a web address',
  serial: 'a serial port',
  'modbus-serial': 'a Modbus serial line',
  'modbus-tcp': 'a Modbus TCP address',
}

/** Two sessions on one wire would read each other's replies. */
function sharedResources(
  instruments: ReadonlyMap<string, BenchInstrument | undefined>,
  source: Placed,
): readonly Problem[] {
  const owners = new Map<string, BenchInstrument>()
  const problems: Problem[] = []
  for (const instrument of instruments.values()) {
    if (instrument === undefined) continue
    const { name, resource } = instrument
    const place = placeOf(resource)
    const key = wireKey(resource)
    const owner = owners.get(key)
    if (owner === undefined) {
      owners.set(key, instrument)
      continue
    }
    const otherUnit = 'unit' in resource && 'unit' in owner.resource && resource.unit !== owner.resource.unit
    const why = otherUnit
      ? `${place} already serves "${owner.name}"; sharing a serial line between units is not supported by this version, give each its own adapter`
      : `${place} already belongs to "${owner.name}"; every instrument has a resource of its own`
    problems.push(source.problem(['instruments', name, 'resource'], why))
  }
  return problems
}
