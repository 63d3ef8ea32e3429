/** Where the ring weights of an AWGR core sit: a bank for each input port, or one bank for all. */
export type AwgrForm = 'per-port' | 'shared'

export interface RingPlace {
  /** Undefined in a shared bank. */
  readonly port: number | undefined
  readonly wavelength: number
  /** Position on the chip in units of the heater pitch: rings of a bank lie along x. */
  readonly x: number
  readonly y: number
}

/** Heaters of an AWGR core: one for each ring. */
export interface AwgrLayout {
  /** Input ports, output ports and wavelengths. */
  readonly size: number
  readonly form: AwgrForm
  /** [heater] */
  readonly heaters: readonly RingPlace[]
  /** [port][wavelength]: heater of the ring that weights this light; all ports share the row of a shared bank. */
  readonly rings: readonly (readonly number[])[]
}

/** Banks one above the other, rings in the order of the wavelengths: heaters [port, wavelength], or [wavelength]. */
export function awgrLayout(size: number, form: AwgrForm): AwgrLayout {
  const line = Array.from({ length: size }, (_, k) => k)
  const banks = form === 'shared' ? [undefined] : line
  const heaters = banks.flatMap((port) => line.map((wavelength) => ({ port, wavelength, x: wavelength, y: port ?? 0 })))
  return {
    size,
    form,
    heaters,
    rings: line.map((port) => line.map((wavelength) => (form === 'shared' ? 0 : port * size) + wavelength)),
  }
}

/**
 * The output port that light of a wavelength reaches from an input port: (port − wavelength) mod size.
 *
 * Source: λ_{p,q} = λ0 + (p − q)·Δλ, Xing et al., Nat. Commun. 16:6097 (2025), second-hand; see docs/physics.md.
 */
export function awgrOutput(size: number, port: number, wavelength: number): number {
  return (port - wavelength + size) % size
}

/** The wavelength that goes from an input port to an output port. */
export function awgrWavelength(size: number, port: number, output: number): number {
  return (port - output + size) % size
}

/** Of the reach of a ring, what weights use: the rest is for neighbours' tails and leaks, which are taken off. */
export const USED_RING_REACH = 0.97
/** Nearest a ring's line may come to a neighbouring laser, in channel spacings: so far it is parked at most. */
export const RING_HALF_WAY = 0.5
