/**
 * Cuts the first message off the bytes that have arrived: the message and how many bytes it took,
 * or undefined while it is incomplete. `ended`: the wire says that nothing more belongs to this message.
 * The bytes are lent: the message holds no view of them that is used later.
 * Throws BenchError on bytes that can never become one.
 */
export type Framer<T> = (
  bytes: Uint8Array,
  ended?: boolean,
) => { readonly message: T; readonly used: number } | undefined
