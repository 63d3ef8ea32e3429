const text = new TextEncoder()

/** What a session notes in the journal beside the bytes; replay reads them again. */
export const TIMEOUT = text.encode('timeout')
export const ABORTED = text.encode('aborted')
export const RESYNCHRONISE = text.encode('resynchronise')
export const SILENCE = text.encode('silence')
