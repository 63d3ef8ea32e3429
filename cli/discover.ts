import { discover as discoverInstruments } from '../bench/discover.ts'
import type { Discovered, FoundBy } from '../bench/discover.ts'
import { SystemClock } from '../core/clock.ts'
import { BenchError } from '../core/errors.ts'
import type { Identity } from '../core/instruments.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { identityText } from './identity-text.ts'
import type { DiscoverFlags } from './options.ts'
import { textTable } from './text-table.ts'

/** What `fringe discover --json` says. Documented by docs/schemas/discover.schema.json. */
export interface DiscoverDocument {
  readonly resources: readonly {
    readonly resource: string
    readonly foundBy: FoundBy
    readonly description: string
    readonly identity: Identity | null
    readonly driver: string | null
    readonly error: { readonly code: string; readonly message: string } | null
  }[]
}

/** `fringe discover`: what is plugged in, who it is where one may ask, and which driver fits. */
export async function discover(
  { output, signal }: CommandContext,
  places: readonly string[],
  { interface: interfaces = [], identify = false }: DiscoverFlags,
): Promise<ExitCode> {
  if (identify && interfaces.length === 0) {
    const why = '--identify asks those that a network brings: name one by --interface, or name the places themselves'
    throw new BenchError('CALL_INVALID', why)
  }
  const request = { named: places, interfaces, identify }
  const document = documentFrom(await discoverInstruments(request, { clock: new SystemClock() }, signal))
  output.say(...report(document))
  output.document(document)
  return document.resources.some(({ error }) => error !== null) ? EXIT.notSafeOrNotReachable : EXIT.done
}

function documentFrom(found: readonly Discovered[]): DiscoverDocument {
  return {
    resources: found.map(({ resource, foundBy, description, identity = null, driver = null, error }) => ({
      resource,
      foundBy,
      description,
      identity,
      driver,
      error: error === undefined ? null : { code: error.code, message: error.message },
    })),
  }
}

function report({ resources }: DiscoverDocument): string[] {
  if (resources.length === 0) return ['nothing found; "fringe discover --help" says how to ask on networks']
  const rows = resources.map(({ resource, foundBy, description, identity, driver, error }) => [
    resource,
    identity === null ? description : identityText(identity),
    driver ?? (identity === null ? '' : 'no driver yet'),
    error === null ? foundBy : `${foundBy}, no answer`,
  ])
  const titles = ['resource', 'who it is', 'driver', 'found by'].map((title) => ({ title }))
  const faults = resources.flatMap(({ error }) => (error === null ? [] : [`error: ${error.message}`]))
  return [...textTable(titles, rows), ...faults]
}
