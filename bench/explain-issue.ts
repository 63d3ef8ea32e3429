import type { z } from 'zod'
import { unknownKey } from './unknown-key.ts'
import type { UnknownKey } from './unknown-key.ts'
import { pathText } from './yaml-source.ts'
import type { Placed, Problem, YamlPath } from './yaml-source.ts'

type Issue = z.core.$ZodIssue

/**
 * Says a schema's complaints in the words of the file: where, what is written there, what would be right.
 *
 * A misspelt key is one fault, not a missing key and an unknown one.
 */
export function explainIssues(
  issues: readonly Issue[],
  schema: z.ZodType,
  base: YamlPath,
  source: Placed,
): readonly Problem[] {
  const misspelt = new Set<string>()
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue
    const path = [...base, ...(issue.path as YamlPath)]
    for (const { meant } of unknownKeys(issue, schema, path, source)) {
      if (meant !== undefined) misspelt.add(pathText([...path, meant]))
    }
  }
  return issues.flatMap((issue) => {
    const path = [...base, ...(issue.path as YamlPath)]
    if (valueAt(source.data, path) === undefined && misspelt.has(pathText(path))) return []
    return explainIssue(issue, schema, base, source)
  })
}

/** `path`: of the map that holds them. */
function unknownKeys(
  issue: Issue & { code: 'unrecognized_keys' },
  schema: z.ZodType,
  path: YamlPath,
  source: Placed,
): readonly (UnknownKey & { readonly key: string })[] {
  const known = knownKeys(schemaAt(schema, issue.path as YamlPath))
  const written = Object.keys(valueAt(source.data, path) as object)
  return issue.keys.map((key) => ({ key, ...unknownKey(key, known, written) }))
}

function explainIssue(issue: Issue, schema: z.ZodType, base: YamlPath, source: Placed): readonly Problem[] {
  const inner = issue.path as YamlPath
  const path = [...base, ...inner]
  if (issue.code === 'unrecognized_keys') {
    return unknownKeys(issue, schema, path, source).map(({ key, message }) =>
      source.keyProblem([...path, key], message),
    )
  }
  if (issue.code === 'invalid_key') {
    return [source.keyProblem(path, issue.issues[0]?.message ?? issue.message)]
  }
  const target = schemaAt(schema, inner)
  const value = valueAt(source.data, path)
  if (value === undefined) {
    const meaning = target?.description
    return [
      source.problem(
        path,
        meaning === undefined ? `is missing; ${requirement(issue, target)}` : `is missing: ${meaning}`,
      ),
    ]
  }
  return [source.problem(path, `is ${shown(value)}; ${requirement(issue, target)}`)]
}

/** What the schema wants, as the second half of a sentence. */
export function requirement(issue: Issue, schema: z.ZodType | undefined): string {
  switch (issue.code) {
    case 'too_small':
    case 'too_big':
      if (issue.origin === 'number' || issue.origin === 'int') return `must be ${rangeText(schema, issue)}`
      return `must hold ${issue.code === 'too_small' ? 'at least' : 'at most'} ${countOf(issue)}`
    case 'invalid_value':
      if (issue.message.startsWith('must')) return issue.message
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`
    case 'invalid_type':
      return issue.message.startsWith('must') ? issue.message : `must be ${TYPES[issue.expected] ?? issue.expected}`
    default:
      return issue.message
  }
}

const TYPES: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of names and values',
}

function countOf(issue: Issue & { code: 'too_small' | 'too_big' }): string {
  const count = String(issue.code === 'too_small' ? issue.minimum : issue.maximum)
  const thing = issue.origin === 'string' ? 'character' : 'item'
  return `${count} ${thing}${count === '1' ? '' : 's'}`
}

function rangeText(schema: z.ZodType | undefined, issue: Issue & { code: 'too_small' | 'too_big' }): string {
  const { minValue = null, maxValue = null } = (schema ?? {}) as { minValue?: number | null; maxValue?: number | null }
  const bounded = (value: number | null): value is number => value !== null && Math.abs(value) < Number.MAX_SAFE_INTEGER
  if (bounded(minValue) && bounded(maxValue)) return `${minValue} to ${maxValue}`
  return issue.code === 'too_small'
    ? `${issue.inclusive === false ? 'above' : 'at least'} ${issue.minimum}`
    : `${issue.inclusive === false ? 'below' : 'at most'} ${issue.maximum}`
}

/** The written value, short enough for a message. */
export function shown(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}

export function valueAt(data: unknown, path: YamlPath): unknown {
  let value = data
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}

/** The part of a schema that judges the value at `path`; undefined where schemas branch. */
export function schemaAt(schema: z.ZodType, path: YamlPath): z.ZodType | undefined {
  let at: z.ZodType | undefined = unwrapped(schema)
  for (const step of path) {
    const { def } = at as z.ZodType & {
      def: { type: string; shape?: Record<string, z.ZodType>; element?: z.ZodType; valueType?: z.ZodType }
    }
    at = def.shape?.[String(step)] ?? def.element ?? def.valueType
    if (at === undefined) return undefined
    at = unwrapped(at)
  }
  return at
}

function unwrapped(schema: z.ZodType): z.ZodType {
  const { innerType } = schema.def as { innerType?: z.ZodType }
  return innerType === undefined ? schema : unwrapped(innerType)
}

export function knownKeys(schema: z.ZodType | undefined): readonly string[] {
  const { shape } = (schema?.def ?? {}) as { shape?: Record<string, z.ZodType> }
  return Object.keys(shape ?? {})
}
