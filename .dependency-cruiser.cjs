/**
 * The folders are the architecture. What each may import, besides npm packages and itself; anything not listed is
 * forbidden. docs/architecture.md draws the same table.
 */
const mayImport = {
  domain: [],
  wechatpay: [],
  process: [],
  codec: [],
  database: ['domain'],
  exports: ['domain', 'database'],
  gateway: ['domain', 'wechatpay', 'database'],
  // Activities as types only: a value import would drag Node's modules into the sandbox, which the workflow bundler refuses.
  workflows: ['domain', 'activities/index\\.ts$'],
  activities: ['domain', 'wechatpay', 'database', 'gateway'],
  worker: ['domain', 'wechatpay', 'process', 'codec', 'database', 'gateway', 'workflows', 'activities'],
  api: [
    'domain',
    'wechatpay',
    'process',
    'codec',
    'database',
    'gateway',
    'exports',
    'workflows/(messages|start|reconciliation-start|reconciliation-details)\\.ts$',
  ],
  simulator: ['wechatpay/v3/(signature|aead)\\.ts$', 'wechatpay/v2/(xml|signature|req-info)\\.ts$'],
  cli: [
    'domain',
    'wechatpay',
    'process',
    'codec',
    'database',
    'gateway',
    'exports',
    'workflows/(messages|start|reconciliation-start|reconciliation-details)\\.ts$',
    'worker',
    'api',
    'simulator',
  ],
};

const folders = Object.entries(mayImport).map(([folder, allowed]) => ({
  name: `${folder}-imports-only-what-it-may`,
  comment: `${folder}/ may import ${allowed.join(', ') || 'nothing of ours'}; see docs/architecture.md`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: {
    path: '^(domain|wechatpay|process|codec|database|exports|gateway|workflows|activities|worker|api|simulator|cli|dev|bench|test)/',
    pathNot: [`^${folder}/`, ...allowed.map((path) => `^${path}`)],
  },
}));

module.exports = {
  forbidden: [
    ...folders,
    {
      name: 'workflow-code-is-deterministic',
      comment: 'workflow code may use only the workflow SDK and pure rules',
      severity: 'error',
      from: { path: '^(workflows|domain)/|^codec/failure-converter\\.ts$' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'core'],
        pathNot: 'node_modules/@temporalio/(workflow|common)/',
      },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-development-packages-in-production',
      severity: 'error',
      from: {
        path: '^(domain|wechatpay|process|codec|database|exports|gateway|workflows|activities|worker|api|simulator|cli)/',
      },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
