import type { Plain, PlainObject } from '../bench/fabricated-chip.ts'

/** Devices of one kind, one a row. */
export interface DeviceTable {
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: readonly DeviceRow[]
  /** Rows are different quantities, not devices of one kind. */
  readonly isSingles: boolean
}

export interface DeviceRow {
  readonly label: string
  readonly values: readonly Plain[]
}

/** Names of devices, where the drawing of the chip has them: by how many there are. */
type Labels = ReadonlyMap<number, readonly string[]>

/**
 * The truth of a twin as tables, whatever its shape: lists of equal length in one object are columns of one table,
 * lists and maps of small objects are tables of their own, single numbers stand together.
 */
export function chipTables(truth: PlainObject): readonly DeviceTable[] {
  return tablesOf('', truth, new Map())
}

function tablesOf(path: string, object: PlainObject, outer: Labels): readonly DeviceTable[] {
  const { layout, ...entries } = object
  const labels = isObject(layout) ? labelsOf(layout) : outer
  const scalars: DeviceRow[] = []
  const lists = new Map<number, [string, readonly Plain[]][]>()
  const inner: DeviceTable[] = []
  for (const [key, value] of Object.entries(entries)) {
    const name = path === '' ? key : `${path}.${key}`
    if (Array.isArray(value) && value.length === 0) continue
    if (Array.isArray(value) && (value as readonly Plain[]).every((each) => !isObject(each))) {
      const list = value as readonly Plain[]
      lists.set(list.length, [...(lists.get(list.length) ?? []), [key, list]])
    } else if (Array.isArray(value)) inner.push(...tablesOfList(name, value as readonly PlainObject[], labels))
    else if (!isObject(value)) scalars.push({ label: key, values: [value] })
    else if (isTable(Object.values(value))) inner.push(smallObjects(name, Object.keys(value), Object.values(value)))
    else inner.push(...tablesOf(name, value, labels))
  }
  const own = path === '' ? 'twin' : path
  return [
    ...(scalars.length === 0 ? [] : [{ name: own, columns: ['value'], rows: scalars, isSingles: true }]),
    ...[...lists].map(([length, columns]) => listTable(own, length, columns, labels)),
    ...inner,
  ]
}

function listTable(
  name: string,
  length: number,
  columns: readonly (readonly [string, readonly Plain[]])[],
  labels: Labels,
): DeviceTable {
  const rows = Array.from({ length }, (_, row) => ({
    label: labels.get(length)?.[row] ?? String(row),
    values: columns.map(([, list]) => list[row]!),
  }))
  return { name, columns: columns.map(([key]) => key), rows, isSingles: false }
}

function tablesOfList(name: string, list: readonly PlainObject[], labels: Labels): readonly DeviceTable[] {
  if (!isTable(list)) return list.flatMap((each, index) => tablesOf(`${name}[${index}]`, each, labels))
  const names = list.map((_, index) => labels.get(list.length)?.[index] ?? String(index))
  return [smallObjects(name, names, list)]
}

function smallObjects(name: string, labels: readonly string[], objects: readonly Plain[]): DeviceTable {
  const columns = [...new Set(objects.flatMap((each) => Object.keys(each as PlainObject)))]
  const rows = objects.map((each, index) => ({
    label: labels[index]!,
    values: columns.map((column) => (each as PlainObject)[column] ?? null),
  }))
  return { name, columns, rows, isSingles: false }
}

/** Objects that hold nothing but single values. */
function isTable(objects: readonly Plain[]): boolean {
  const isFlat = (each: Plain): boolean =>
    isObject(each) && Object.values(each).every((value) => typeof value !== 'object' || value === null)
  return objects.length > 0 && objects.every(isFlat)
}

function isObject(value: Plain | undefined): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const wordOf = (value: Plain): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** What the drawing of a mesh says of its places. */
function labelsOf({ heaters = [], mzis = [] }: PlainObject): Labels {
  const words = (each: Plain): string =>
    isObject(each)
      ? Object.entries(each)
          .map(([key, value]) => (key === 'kind' ? wordOf(value) : `${key} ${wordOf(value)}`))
          .join(' ')
      : ''
  const heaterNames = (heaters as readonly PlainObject[]).map(({ role }) => words(role ?? null))
  const mziNames = (mzis as readonly PlainObject[]).map(words)
  return new Map([
    [mziNames.length, mziNames],
    [heaterNames.length, heaterNames],
  ])
}
