import { networkInterfaces } from 'node:os'
import { BenchError } from '../../core/errors.ts'

/** A network of this machine on which something may be asked. */
export interface NetworkInterface {
  readonly name: string
  readonly address: string
  /** Reaches everybody there. */
  readonly broadcast: string
}

/**
 * The interfaces that were named, by name or by address.
 *
 * Throws: CALL_INVALID for one that this machine does not have, listing those that it has.
 */
export function chosenInterfaces(
  names: readonly string[],
  present: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): readonly NetworkInterface[] {
  const all = Object.entries(present).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family }) => family === 'IPv4')
      .map(({ address, netmask }) => ({ name, address, broadcast: broadcastOf(address, netmask) })),
  )
  const chosen = names.flatMap((wanted) => {
    const found = all.filter(({ name, address }) => name === wanted || address === wanted)
    if (found.length > 0) return found
    const known = all.map(({ name, address }) => `${name} (${address})`).join(', ')
    throw new BenchError(
      'CALL_INVALID',
      `there is no network interface "${wanted}" with an IPv4 address here: ${known}`,
    )
  })
  return [...new Map(chosen.map((one) => [one.address, one])).values()]
}

function broadcastOf(address: string, netmask: string): string {
  const mask = netmask.split('.').map(Number)
  return address
    .split('.')
    .map((byte, index) => Number(byte) | (~mask[index]! & 0xff))
    .join('.')
}
