import { SECTIONS, SHARED_SECTIONS, TOP_LEVEL_KEYS } from './bench-schema.ts'
import { explainIssues, shown } from './explain-issue.ts'
import { unknownKey } from './unknown-key.ts'
import { pathText } from './yaml-source.ts'
import type { Placed, Problem, YamlPath } from './yaml-source.ts'

const TOP_KEYS: readonly string[] = ['name', 'instruments', 'cores', ...SHARED_SECTIONS]

/** One entry of `cores`, to be read as if it were a bench file of its own. */
export interface CoreEntry {
  readonly name: string
  /** Of the entry, shared sections and all instruments included. */
  readonly placed: Placed
  /** Instruments that it names. */
  readonly own: ReadonlySet<string>
}

export interface CoreEntries {
  readonly name: string
  readonly entries: readonly CoreEntry[]
  /** Instruments that no core names. */
  readonly unnamed: ReadonlySet<string>
}

type Written = Readonly<Record<string, unknown>>

/**
 * The cores of a file that has several.
 *
 * An instrument belongs to one core: cores run side by side, and a wire with two speakers could not be replayed.
 */
export function coreEntries(
  source: Placed,
  instruments: ReadonlyMap<string, unknown>,
  problems: Problem[],
): CoreEntries {
  const data = source.data as Written
  problems.push(...topLevelProblems(source))
  const written = data['cores']
  if (!Array.isArray(written) || written.length === 0) {
    const right = 'list every core with its name, core, lanes, trigger, heaters, ovens and mains'
    problems.push(source.problem(['cores'], `is ${shown(written)}; ${right}`))
    return { name: '', entries: [], unnamed: new Set() }
  }
  const owners = new Map<string, { readonly core: string; readonly path: YamlPath }>()
  const entries: CoreEntry[] = []
  for (const [index, entry] of (written as readonly unknown[]).entries()) {
    const path: YamlPath = ['cores', index]
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
      problems.push(source.problem(path, `is ${shown(entry)}; a core is a map, like a bench file without instruments`))
      continue
    }
    const sections = entry as Written
    const name = typeof sections['name'] === 'string' ? sections['name'] : pathText(path)
    const namesake = entries.findIndex((earlier) => earlier.name === name)
    if (namesake >= 0) {
      problems.push(source.problem([...path, 'name'], `"${name}" is already the name of another core; give it its own`))
    }
    if (Object.hasOwn(sections, 'instruments')) {
      problems.push(source.keyProblem([...path, 'instruments'], 'stand once, at the top of the file; move them there'))
    }
    const own = new Set<string>()
    for (const [instrument, place] of namedIn(sections, path, instruments)) {
      own.add(instrument)
      const owner = owners.get(instrument)
      if (owner === undefined) owners.set(instrument, { core: name, path: place })
      else {
        const why = `"${instrument}" of core "${name}" already belongs to core "${owner.core}" (${pathText(owner.path)})`
        problems.push(source.problem(place, `${why}; cores run side by side, so every core has instruments of its own`))
      }
    }
    entries.push({ name, own, placed: entryPlaced(source, index, sections) })
  }
  const unnamed = new Set([...instruments.keys()].filter((name) => !owners.has(name)))
  return { name: String(data['name']), entries, unnamed }
}

function topLevelProblems(source: Placed): readonly Problem[] {
  const data = source.data as Written
  const keys = Object.keys(data)
  const ofOneCore = new Set(Object.values(TOP_LEVEL_KEYS).flat())
  const named = SECTIONS.name.safeParse(data['name'])
  return [
    ...keys
      .filter((key) => !TOP_KEYS.includes(key))
      .map((key) =>
        source.keyProblem(
          [key],
          ofOneCore.has(key)
            ? 'belongs to one core; move it into the entries of cores'
            : unknownKey(key, TOP_KEYS, keys).message,
        ),
      ),
    ...(named.success ? [] : explainIssues(named.error.issues, SECTIONS.name, ['name'], source)),
  ]
}

/** The entry with what it shares, every value at its place in the file. */
function entryPlaced(source: Placed, index: number, sections: Written): Placed {
  const top = source.data as Written
  const shared = SHARED_SECTIONS.filter((key) => Object.hasOwn(top, key) && !Object.hasOwn(sections, key))
  const isAtTop = new Set<string | number | undefined>([...shared, 'instruments'])
  const inFile = (path: YamlPath): YamlPath => (isAtTop.has(path[0]) ? path : ['cores', index, ...path])
  return {
    data: {
      ...Object.fromEntries(shared.map((key) => [key, top[key]])),
      ...sections,
      instruments: top['instruments'],
    },
    problem: (path, message) => source.problem(inFile(path), message),
    keyProblem: (path, message) => source.keyProblem(inFile(path), message),
  }
}

/** Sections whose words are no instruments, whatever they are called. */
const NOT_INSTRUMENTS: ReadonlySet<string> = new Set(['name', 'core', 'detection', 'safe', 'twin', 'instruments'])

/** Instruments that stand in an entry, by themselves or before a connector, with the first place of each. */
function namedIn(
  sections: Written,
  base: YamlPath,
  instruments: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, YamlPath> {
  const found = new Map<string, YamlPath>()
  const look = (value: unknown, path: YamlPath): void => {
    if (typeof value === 'string') {
      const [name = ''] = value.split('.')
      if (instruments.has(name) && !found.has(name)) found.set(name, path)
    } else if (Array.isArray(value)) value.forEach((item, at) => look(item, [...path, at]))
    else if (typeof value === 'object' && value !== null) {
      // What an oven keeps warm has a name, too.
      for (const [key, item] of Object.entries(value)) if (key !== 'name') look(item, [...path, key])
    }
  }
  for (const [key, value] of Object.entries(sections)) {
    if (!NOT_INSTRUMENTS.has(key)) look(value, [...base, key])
  }
  return found
}
