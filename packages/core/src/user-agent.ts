import manifest from '../package.json' with { type: 'json' }

/** How Posthaste names itself to receivers and model servers: `Posthaste/<version>`. */
export const userAgent = `Posthaste/${manifest.version}`
