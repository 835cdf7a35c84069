import { PostHog } from 'posthog-node'

const [host, writeKey] = process.argv.slice(2)
const posthog = new PostHog(writeKey, { host, flushAt: 20 })
posthog.identify({ distinctId: 'u1', properties: { plan: 'x' } })
posthog.capture({ distinctId: 'u1', event: 'Bought', properties: { price: 2.5 } })
posthog.alias({ distinctId: 'u1', alias: 'a1' })
posthog.groupIdentify({ groupType: 'company', groupKey: 'g1', properties: { size: 3 } })
await posthog.shutdown()
