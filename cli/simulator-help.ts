/** What `paysaga simulator --help` shows below the options. */
export const SIMULATOR_EXAMPLES = `
When it is ready it prints one line, "simulator ready <base URL>", and nothing else; SIGTERM and SIGINT end it.

Examples:
  paysaga simulator --credentials ./wechat
      keys and ids in ./wechat/merchant.json and PEM files next to it, orders forgotten at the end
  paysaga simulator --port 0 --seed 7 --credentials ./wechat
      on a free port, with the keys of seed 7, which are always the same
  paysaga simulator --credentials ./wechat --data ./wechat-data
      orders, refunds and notifications survive a restart
  paysaga simulator --credentials ./wechat --time-scale 60
      an hour of notification retries passes in a minute
  paysaga simulator --credentials ./wechat --scenario ./scenario.json
      with what the file says, for instance
      {"merchants":[{"mchid":"1900099999"}],"settings":{"refund_delay_ms":null},
       "faults":[{"operation":"*","kind":"error_500","probability":0.01,"times":null}]}

A page for people is at <base URL>/_simulator/; docs/simulator.md is the guide.`;
