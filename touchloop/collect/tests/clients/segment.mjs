import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const analytics = new Analytics({ writeKey, host, flushAt: 5, maxRetries: 3 })
analytics.on('error', (error) => { console.error(error); process.exitCode = 1 })
analytics.identify({ userId: 'u1', traits: { plan: 'x' } })
analytics.track({ userId: 'u1', event: 'Bought', properties: { price: 2.5 } })
analytics.page({ anonymousId: 'a1', name: 'Home' })
analytics.group({ userId: 'u1', groupId: 'g1', traits: { size: 3 } })
analytics.alias({ userId: 'u1', previousId: 'a1' })
await analytics.closeAndFlush()
