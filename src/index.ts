// The public face of mod-smtpd: only re-exports. Shipped modules: src/modules/index.ts.

export { createServer } from "./server/server.ts";
export { ConfigError, defineConfig } from "./server/config.ts";
export type { ConfigProblem } from "./server/config-error.ts";
export type {
  CertificateFacts,
  CertificateOptions,
  CertificateReload,
  DrainSummary,
  ListenAddress,
  ListenOptions,
  ListenSettings,
  ModuleList,
  NamedCertificateOptions,
  Server,
  ServerLimits,
  ServerOptions,
  TcpPlace,
  TlsOptions,
  UnixPlace,
  VirtualHostOptions,
} from "./server/options.ts";
export type { OnMessage, Received } from "./modules/receive.ts";
export type { Limits, ProfileName } from "./engine/settings.ts";
export type { ExtensionSwitches } from "./engine/smtp.ts";

export {
  accept,
  defer,
  discard,
  disconnect,
  quarantine,
  queued,
  reject,
  reply,
  Verdict,
} from "./hooks/verdict.ts";
export type { DeferCode, Enhanced, RejectCode, SuccessCode, Text, VerdictKind } from "./hooks/verdict.ts";
export { fact, Facts } from "./hooks/facts.ts";
export type { Fact } from "./hooks/facts.ts";
export { hookTable, isPortable, stageRow, stages } from "./hooks/table.ts";
export type {
  HookKind,
  HostName,
  LegalVerdict,
  PortableStage,
  ServerStage,
  Stage,
  StageRow,
} from "./hooks/table.ts";
export { ModuleError } from "./hooks/chain.ts";
export type {
  AnyModule,
  Answer,
  AuthOptions,
  BaseOptions,
  Handler,
  Hook,
  HookOptions,
  MaybeAnswer,
  MethodOptions,
  Module,
  OnError,
  Order,
  PasswordOptions,
  ServerModule,
  StageOptions,
  TransactionStage,
} from "./hooks/module.ts";
export type * from "./hooks/stages.ts";
export { unknownAddress } from "./hooks/proxy.ts";
export { DnsError } from "./hooks/environment.ts";
export type {
  Clock,
  Dns,
  DnsOptions,
  Fetch,
  Log,
  LogLevel,
  State,
  StateOptions,
  StateValue,
} from "./hooks/environment.ts";
export type {
  CloseReason,
  Decision,
  EditsReport,
  FaultReason,
  FaultReport,
  LimitReached,
  LogReport,
  ModuleFault,
  Observer,
  Report,
  SessionClosed,
  SessionOpened,
} from "./hooks/report.ts";
export { jsonLog, textLog } from "./observe/log.ts";
export type { LogObserver, LogOptions } from "./observe/log.ts";
export type { AddressLiteral } from "./wire/address.ts";
export { Address, parseMailbox } from "./wire/address.ts";
export { HeaderBlock, HeaderField } from "./wire/header.ts";
export type { IpAddress } from "./wire/ip.ts";
export type {
  ProxiedConnection,
  ProxyDetails,
  ProxyEndpoint,
  ProxyHeader,
  ProxyTls,
  ProxyTlv,
  UnnamedConnection,
} from "./wire/proxy.ts";
export type { Unavailable, XclientAttributes, XforwardAttributes } from "./wire/xclient.ts";
export { isFault } from "./wire/fault.ts";
export type { Fault } from "./wire/fault.ts";
