// A report as lines for people, in columns: time, session, stage, verdict, module, milliseconds, what it was about,
// reply. Greetings and other steps that no module had an opinion on are dimmed where there are colours.

import { styleText } from "node:util";
import type { Decision, Report } from "../hooks/report.ts";
import { clean, errorText, safeData, safeSubject } from "./redact.ts";

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

const widths = { stage: 8, verdict: 10, module: 12, ms: 9 } as const;
const longestSubject = 120;
const longestReply = 160;

const verdictStyles: Partial<Record<Decision["verdict"], Style>> = {
  accept: "green",
  queued: "green",
  reply: "green",
  text: "green",
  reject: "red",
  disconnect: "red",
  defer: "yellow",
  discard: "yellow",
  quarantine: "yellow",
  fault: ["red", "bold"],
};

const plain: Paint = (_style, text) => text;
const painted: Paint = (style, text) => styleText(style, text, { validateStream: false });

/** The lines of a report; none for `opened`, which the line of the connect stage tells. */
export function textLines(report: Report, color: boolean): readonly string[] {
  const paint = color ? painted : plain;
  const start = `${paint("dim", timeOfDay(report.at))} ${paint("cyan", report.session.id.slice(-4).padEnd(4))} `;
  switch (report.type) {
    case "opened":
      return [];
    case "decision":
      return [start + decisionColumns(report, paint)];
    case "limit":
      return [
        start + row(paint, "limit", "yellow", "", "", undefined, clean(report.limit, 60), report.reply),
      ];
    case "fault": {
      const { module, stage, reason, error } = report.fault;
      const text = `${stage}: ${clean(errorText(error), 400)}`;
      return [start + row(paint, "fault", ["red", "bold"], reason, module, undefined, text, undefined)];
    }
    case "edits":
      return report.edits.map(({ module, action, detail }) => {
        return (
          start +
          row(paint, "edit", "dim", "", module, undefined, `${action} ${clean(detail, longestSubject)}`)
        );
      });
    case "log": {
      const { module, stage, level, message, data } = report;
      const more = data === undefined ? "" : ` ${clean(safeData(data, 400), 400)}`;
      const style = level === "error" ? "red" : level === "warn" ? "yellow" : "dim";
      return [
        start + row(paint, "log", style, level, module, undefined, `${stage}: ${clean(message, 400)}${more}`),
      ];
    }
    case "closed": {
      const { commands, bytesReceived } = report.session.counts;
      const text = `after ${duration(report.ms)}, ${commands} commands, ${bytesReceived} octets`;
      return [
        start + paint("dim", row(plain, "closed", "dim", report.reason, "", undefined, text).trimEnd()),
      ];
    }
  }
}

function decisionColumns(report: Decision, paint: Paint): string {
  const { stage, verdict, module, ms, reply } = report;
  const subject = clean(safeSubject(report).replace(/^(?:FROM|TO): */i, ""), longestSubject);
  const decided = verdict !== "default";
  const style = verdictStyles[verdict] ?? "dim";
  // Milliseconds say something only where a module was asked
  const time = decided || ms > 0 ? ms : undefined;
  return row(paint, stage, style, decided ? verdict : "-", decided ? module : "", time, subject, reply);
}

function row(
  paint: Paint,
  stage: string,
  style: Style,
  verdict: string,
  module: string,
  ms: number | undefined,
  subject: string,
  reply?: string,
): string {
  const time = ms === undefined ? "" : `${ms.toFixed(1)} ms`;
  const columns = [
    stage.padEnd(widths.stage),
    paint(style, verdict.padEnd(widths.verdict)),
    module.padEnd(widths.module),
    paint("dim", time.padStart(widths.ms)),
    subject,
    reply === undefined ? "" : paint(replyStyle(reply), clean(oneLine(reply), longestReply)),
  ];
  const tail = columns.slice(4).filter((text) => text !== "");
  return `${columns.slice(0, 4).join(" ")}  ${tail.join("  ")}`.trimEnd();
}

/** Lines after the first without their codes: `250 host, PIPELINING, SIZE 1000`. */
function oneLine(reply: string): string {
  if (reply.charAt(3) !== "-") return reply;
  const [first = "", ...more] = reply.split(" / ");
  const texts = more.map((line) => line.slice(4).replace(/^[245]\.\d{1,3}\.\d{1,3} /, ""));
  return `${first.slice(0, 3)} ${[first.slice(4), ...texts].join(", ")}`;
}

function replyStyle(reply: string): Style {
  if (reply.startsWith("5")) return "red";
  return reply.startsWith("4") ? "yellow" : "dim";
}

/** Local time with milliseconds. */
function timeOfDay(at: number): string {
  const time = new Date(at);
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => twoDigits(part));
  return `${parts.join(":")}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

function twoDigits(part: number): string {
  return String(part).padStart(2, "0");
}

function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
