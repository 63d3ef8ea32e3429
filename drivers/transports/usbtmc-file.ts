/**
 * A USB test-and-measurement device behind an open device file: two bulk pipes that carry whole transfers, and what
 * the control pipe does.
 *
 * Throws: the errors of the system, with `code` such as ENODEV, EPIPE or ETIMEDOUT; the signal's reason when aborted.
 */
export interface UsbtmcFile extends AsyncDisposable {
  /** Resolves when the device has taken the whole bulk-OUT transfer. */
  send(transfer: Uint8Array, signal: AbortSignal): Promise<void>
  /**
   * The next bytes of a bulk-IN transfer. `ended`: a short packet ended it, or an empty one. The bytes are the
   * caller's to keep.
   */
  receive(signal: AbortSignal): Promise<{ readonly bytes: Uint8Array; readonly ended: boolean }>
  /** Device clear: the buffers of the device and of the system are empty. */
  clear(): Promise<void>
  /** Serial poll of USB488. */
  readStatusByte(): Promise<number>
  /** The trigger of USB488; may overtake an answer that is awaited. */
  trigger(): Promise<void>
  /** `listener` runs when the device asks for service; it replaces the one before. */
  onServiceRequest(listener: () => void): void
}

/** Opens the device file at `path`. Throws: an error of the system with `code`; EBUSY: another program holds it. */
export type OpenDeviceFile = (path: string) => Promise<UsbtmcFile>
