import { BenchError } from '../../core/errors.ts'
import { HISLIP, OVERLAP, initializeParameter, unexpectedHislip } from '../protocols/hislip.ts'
import type { HislipMode } from '../protocols/hislip-conversation.ts'
import { HislipChannel, NOTHING_EXPECTED } from './hislip-channel.ts'
import type { HislipAddress } from './hislip-channel.ts'

export interface HislipTarget extends HislipAddress {
  /** Sub-address, mostly `hislip0`. */
  readonly device: string
  /** Highest version to speak: major in the high byte, minor in the low one. */
  readonly version: number
}

export interface HislipChannels {
  readonly sync: HislipChannel
  readonly async: HislipChannel
  /** The lower of the two sides' versions. */
  readonly version: number
  /** What the server prefers. */
  readonly mode: HislipMode
}

/** Not a vendor that IVI knows. */
const VENDOR = 'FR'
const LOWEST_VERSION = 0x0100
const ENCRYPTION = 0b110

/** Largest message we take. What it holds goes on at once, so this only bounds lies. */
export const LARGEST_MESSAGE_BYTES = 2 ** 30
const LIMITS = { dataBytes: LARGEST_MESSAGE_BYTES, otherBytes: 4096 }

export const hislipMode = (control: number): HislipMode => ((control & OVERLAP) === 0 ? 'synchronised' : 'overlap')

/**
 * Both connections of a new session.
 *
 * Throws: TRANSPORT_OPEN_FAILED, TRANSPORT_LOST, PROTOCOL_UNEXPECTED_REPLY, INSTRUMENT_REFUSED, the reason of `signal`.
 * Source: IVI-6.1 rev. 2.0, initialization transaction.
 */
export async function dialHislip(
  resource: string,
  { device, version, ...address }: HislipTarget,
  signal: AbortSignal,
): Promise<HislipChannels> {
  const sync = await HislipChannel.dial(resource, address, LIMITS, signal)
  let asynchronous: HislipChannel | undefined
  try {
    const initialize = initializeParameter(version, VENDOR)
    const { control, parameter, payload } = await sync.request(
      () => sync.send(HISLIP.Initialize, 0, initialize, Buffer.from(device, 'latin1')),
      HISLIP.InitializeResponse,
      signal,
    )
    const negotiated = parameter >>> 16
    if (negotiated < LOWEST_VERSION || negotiated > version) {
      throw unexpectedHislip(`version 0x${negotiated.toString(16)} instead of 0x${version.toString(16)}`, payload)
    }
    if ((control & ENCRYPTION) !== 0) {
      throw new BenchError('TRANSPORT_OPEN_FAILED', `${resource} wants an encrypted connection`, {
        context: { resource, control },
      })
    }
    // Nothing is said on the first channel now, but it may go.
    const syncGone = new AbortController()
    sync.listener = { ...NOTHING_EXPECTED, onLost: (error) => syncGone.abort(error) }
    const limit = AbortSignal.any([signal, syncGone.signal])
    const channel = (asynchronous = await HislipChannel.dial(resource, address, LIMITS, limit))
    await channel.request(
      () => channel.send(HISLIP.AsyncInitialize, 0, parameter & 0xffff),
      HISLIP.AsyncInitializeResponse,
      limit,
    )
    return { sync, async: channel, version: negotiated, mode: hislipMode(control) }
  } catch (error) {
    sync.destroy()
    asynchronous?.destroy()
    throw error
  }
}
