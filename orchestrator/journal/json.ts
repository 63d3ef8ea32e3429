import { BenchError } from '../../core/errors.ts'

/**
 * The text under which the journal keeps a value; `name` says in messages what it is.
 *
 * Takes plain objects, arrays, text, booleans, null and finite numbers, and gives them back unchanged.
 * A property that is undefined is left out.
 * Throws: CALL_INVALID for everything that JSON would silently alter: BigInt, NaN, typed arrays, dates, maps.
 */
export function toJson(name: string, value: unknown): string {
  requirePlain(name, value)
  return JSON.stringify(value)
}

function requirePlain(path: string, value: unknown): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return
    case 'number':
      if (!Number.isFinite(value)) throw refused(path, String(value), 'say in another field why there is no number')
      return
    case 'bigint':
      throw refused(path, `the BigInt ${value}`, 'pass a number below 2^53, or text')
    case 'object':
      if (value !== null) requirePlainObject(path, value)
      return
    case 'undefined':
    case 'function':
    case 'symbol':
      throw refused(path, `of type ${typeof value}`, 'pass null, or leave the property out')
  }
}

function requirePlainObject(path: string, value: object): void {
  if (Array.isArray(value)) {
    value.forEach((item: unknown, index) => requirePlain(`${path}[${index}]`, item))
    return
  }
  if (ArrayBuffer.isView(value))
    throw refused(path, `a ${kindOf(value)}`, 'store it as a blob, or pass Array.from of it')
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw refused(path, `a ${kindOf(value)}`, 'pass a plain object with the fields that matter')
  }
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) requirePlain(`${path}.${key}`, item)
  }
}

const kindOf = (value: object): string => Object.prototype.toString.call(value).slice('[object '.length, -1)

function refused(path: string, what: string, remedy: string): BenchError {
  return new BenchError('CALL_INVALID', `${path} is ${what}, which the journal cannot keep as it is: ${remedy}`, {
    context: { path },
  })
}
