import { jitsuAnalytics } from '@jitsu/js'

const [host, writeKey] = process.argv.slice(2)
const analytics = jitsuAnalytics({ host, writeKey: `${writeKey}:secret`, fetch, debug: false })
await analytics.identify('u1', { plan: 'x' })
await analytics.track('Bought', { price: 2.5 })
await analytics.page({ name: 'Home' })
