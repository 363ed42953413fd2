/** Free ports: a stack that runs on this machine is left alone. */
export const ANY_PORTS = { api: 0, checkout: 0, temporal: 0, temporalUi: 0, simulator: 0, postgres: 0 };
