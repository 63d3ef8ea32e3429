import type { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import type { Identity, Instrument } from '../core/instruments.ts'
import type { Wire } from './transports/wire.ts'

export interface SerialLine {
  /** Any that the adapter can do; most take odd ones, too. */
  readonly baudRate: number
  readonly dataBits: 7 | 8
  readonly parity: 'none' | 'even' | 'odd'
  readonly stopBits: 1 | 2
  /** Who holds up whom when a buffer is full: wires (RTS/CTS), bytes (XON/XOFF). Default: nobody. */
  readonly flow?: 'rts-cts' | 'xon-xoff'
}

/** What can lie between a driver and its instrument. */
export type WireKind =
  'serial' | 'socket' | 'vxi11' | 'hislip' | 'usbtmc' | 'visa' | 'modbus-serial' | 'modbus-tcp' | 'http'

/** Whatever carries SCPI. */
export const SCPI_WIRES: readonly WireKind[] = ['socket', 'vxi11', 'hislip', 'usbtmc', 'visa']

/** How to find out who is on a wire without changing anything there. */
export interface IdentityQuestion {
  /**
   * Sends questions and nothing else: no resynchronisation that talks, no settings. Closes the wire. Drivers with
   * the same function here get the same answer, and it is asked for once.
   *
   * Throws: INSTRUMENT_WRONG_IDENTITY when somebody else answers; TRANSPORT_TIMEOUT when nobody does.
   */
  readonly ask: (
    wire: Wire,
    where: { readonly clock: Clock; readonly unit?: number; readonly timeoutMs?: number },
    signal: AbortSignal,
  ) => Promise<Identity>
  /** Whether the driver speaks to who answered so. */
  readonly fits: (identity: Identity) => boolean
  /** Set where a stray byte could pass for a command: such instruments are asked before any other speech is tried. */
  readonly fragile?: true
}

/** One line of the registry: what the bench file may say of an instrument, and how to open it. */
export interface DriverEntry<Settings = unknown, T extends Instrument = Instrument> {
  /** Which role the instrument can fill; a kind that the optics have no role for stands beside them. */
  readonly kind:
    | 'laser'
    | 'symbol-generator'
    | 'bias-controller'
    | 'phase-shifter-bank'
    | 'temperature-controller'
    | 'power-meter'
    | 'voltage-monitor'
    | 'energy-meter'
    | 'source-meter'
    | 'optical-filter'
  /** Which resources can reach it. */
  readonly wires: readonly WireKind[]
  /** How its serial line is set when the resource does not say. */
  readonly serialLine?: SerialLine
  /** Settings under the instrument in the bench file, besides driver and resource; unknown keys are refused. */
  readonly settings: z.ZodType<Settings>
  /** Absent where nobody can ask without changing something. */
  readonly identity?: IdentityQuestion
  /**
   * Checks the identity and returns the instrument.
   * Throws: INSTRUMENT_WRONG_IDENTITY naming what answered and what was expected.
   */
  open(wire: Wire, settings: Settings, clock: Clock, signal: AbortSignal): Promise<T>
}
