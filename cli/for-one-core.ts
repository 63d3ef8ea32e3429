import type { BenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'

/** What is asked of one core at a time. */
export function forOneCore(what: string, files: readonly BenchFile[]): BenchError {
  const names = files.map(({ core }) => core!)
  const message = `${what} is for one core, and ${files[0]!.path} has ${names.join(', ')}: add --core ${names[0]!}, or another`
  return new BenchError('CALL_INVALID', message, { context: { cores: names } })
}
