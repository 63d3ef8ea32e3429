import type { Claims, ReportProblem } from './claims.ts'
import type { YamlPath } from './yaml-source.ts'

/** Channels of one heater bank; `count` is undefined where the bench takes all that the bank has. */
export interface BankPart {
  readonly instrument: string
  readonly first: number
  readonly count: number | undefined
}

/** `shifters`, or `[chain-0.0-511, chain-1.0-511]`: channels counted from 0, as Qontrol counts them. */
export function expandBanks(written: string | readonly string[]): readonly BankPart[] {
  if (typeof written === 'string') return [{ instrument: written, first: 0, count: undefined }]
  return written.map((text) => {
    const [instrument = '', numbers = ''] = text.split('.')
    const [first = 0, last = first] = numbers.split('-').map(Number)
    return { instrument, first, count: last - first + 1 }
  })
}

/** Banks whose channels follow one another, each claimed for the heaters. */
export function claimBanks(
  written: string | readonly string[],
  claims: Claims,
  report: ReportProblem,
): readonly BankPart[] {
  const banks = expandBanks(written)
  for (const [index, { instrument, count }] of banks.entries()) {
    const path: YamlPath = count === undefined ? ['heaters', 'bank'] : ['heaters', 'bank', index]
    claims.role(instrument, 'phase-shifter-bank', path)
    if (count !== undefined && count < 1) report(path, 'runs backwards; must be first channel, then last')
  }
  return banks
}
