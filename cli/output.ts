import { SystemClock } from '../core/clock.ts'
import { explainError, saysNotSafe } from './explain-error.ts'
import type { ExitCode } from './exit-codes.ts'
import { ProgressLine } from './progress-line.ts'

/**
 * Where a command speaks: results on standard output, what is going on and what went wrong on standard error.
 *
 * With `--json` standard output carries exactly one JSON document, and all human text goes to standard error.
 */
export class Output {
  readonly progress: ProgressLine
  readonly #json: boolean
  #isTextAside: boolean

  constructor(json: boolean) {
    this.#json = json
    this.#isTextAside = json
    this.progress = new ProgressLine(process.stderr, new SystemClock())
  }

  /** Standard output will carry a matrix: what is for people goes to standard error. */
  keepStandardOutputFree(): void {
    this.#isTextAside = true
  }

  /** A result, for people. */
  say(...lines: readonly string[]): void {
    this.progress.clear()
    const text = lines.map((line) => `${line}\n`).join('')
    if (this.#isTextAside) process.stderr.write(text)
    else process.stdout.write(text)
  }

  /** What is going on. */
  note(line: string): void {
    this.progress.clear()
    process.stderr.write(`${line}\n`)
  }

  /** The result, for programs. Does nothing without `--json`. */
  document(document: object): void {
    if (this.#json) process.stdout.write(`${JSON.stringify(document)}\n`)
  }

  /** Says what went wrong, both ways, and returns the exit code. */
  failure(error: unknown): ExitCode {
    const { exitCode, code, messages, recovery, run } = explainError(error)
    for (const message of messages) this.note(`error: ${message}`)
    if (run !== undefined) {
      const safety = saysNotSafe(error) ? '' : 'all that was opened is safe, read back; '
      this.note(`run ${run}: ${safety}"fringe show ${run}" tells how far it came`)
    }
    if (process.env['FRINGE_DEBUG'] === '1') this.note(debugText(error))
    const document = { code, message: messages.join('\n'), recovery, ...(run === undefined ? {} : { run }) }
    this.document({ error: document })
    return exitCode
  }
}

function debugText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  const causes = error.cause === undefined ? inner : [...inner, error.cause]
  const indented = causes.map((cause) => debugText(cause).replaceAll(/^/gm, '  '))
  return [error.stack ?? error.message, ...indented].join('\n')
}
