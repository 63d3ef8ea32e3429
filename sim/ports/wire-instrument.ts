/** One client's connection to a simulated instrument. */
export interface WireConnection {
  /** Bytes from the client, in any pieces. */
  receive(bytes: Uint8Array): void
  detach(): void
}

/** The far end of a wire: what a simulated instrument shows to whatever carries its bytes. */
export interface WireInstrument {
  /** `send` and `hangUp` may be called at any time until `detach`. Ports that can be hung up give a `hangUp`. */
  attach(send: (bytes: Uint8Array) => void, hangUp?: () => void): WireConnection
}
