/** One client's connection to a simulated instrument. */
export interface WireConnection {
  /** Bytes from the client, in any pieces. */
  receive(bytes: Uint8Array): void
  detach(): void
}

/** The far end of a wire: what a simulated instrument shows to whatever carries its bytes. */
export interface WireInstrument {
  /** `send` may be called at any time until `detach`. */
  attach(send: (bytes: Uint8Array) => void): WireConnection
}
