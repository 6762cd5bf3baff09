/*
 * The admin page of a key broker.
 *
 * Everything that is shown is somebody else's word, a guest's even: it becomes text
 * and attributes that are known here, never markup. The token is in memory alone.
 */
"use strict";

(() => {
    const API = new URL("../kbs/v0/", location.href);
    const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
    const ROWS_MAX = 1000; /* of a table */
    const byId = (id) => document.getElementById(id);

    let token = "";
    let session = 0; /* what was asked for in another is not shown */

    /* ---- asked ---- */

    class Refused extends Error {
        constructor(status, detail) {
            super(detail);
            this.status = status;
        }
    }

    async function detailOf(reply) {
        try {
            return String((await reply.json()).detail);
        } catch {
            return reply.statusText;
        }
    }

    /* A number that would become another one here stays the text it is, where browsers can tell. */
    function exactly(key, value, context) {
        const isRounded = Number.isInteger(value) && !Number.isSafeInteger(value);
        return isRounded && context && context.source ? context.source : value;
    }

    async function ask(path) {
        const headers = token ? { Authorization: `Bearer ${token}` } : {};
        const reply = await fetch(new URL(path, API), {
            headers,
            cache: "no-store",
            credentials: "same-origin",
            redirect: "error",
            referrerPolicy: "no-referrer",
        });
        if (!reply.ok) throw new Refused(reply.status, await detailOf(reply));
        return JSON.parse(await reply.text(), exactly);
    }

    function said(error) {
        if (!(error instanceof Refused)) return `No answer that can be read: ${error.message}`;
        if (error.status === 403) return "Your role may not see this.";
        if (error.status === 429) return "Too many requests: try again later.";
        return `${error.status}: ${error.message}`;
    }

    /* ---- shown ---- */

    function make(name, text, className) {
        const element = document.createElement(name);
        if (text !== undefined && text !== null) element.textContent = String(text);
        if (className) element.className = className;
        return element;
    }

    function shown(value) {
        return typeof value === "string" ? value : JSON.stringify(value);
    }

    const STEPS = [["s", 60], ["min", 60], ["h", 24], ["d", Infinity]];

    function span(seconds) {
        let left = Math.max(0, Math.floor(seconds));
        for (const [unit, size] of STEPS) {
            if (left < size) return `${left} ${unit}`;
            left = Math.floor(left / size);
        }
        return "";
    }

    /* When that was, of seconds since 1970, or will be. */
    function time(seconds) {
        const away = seconds - Date.now() / 1000;
        const date = new Date(seconds * 1000);
        const element = make("time", away > 0 ? `in ${span(away)}` : `${span(-away)} ago`, "time");
        if (!Number.isNaN(date.getTime())) {
            element.dateTime = date.toISOString();
            element.title = date.toISOString();
        }
        return element;
    }

    function cell(row, content, className) {
        const made = row.insertCell();
        if (className) made.className = className;
        if (content instanceof Node) made.append(content);
        else if (content !== undefined && content !== null) made.textContent = String(content);
        return made;
    }

    function facts(pairs) {
        const list = make("dl");
        for (const [label, value] of pairs) {
            if (value === undefined || value === null) continue;
            list.append(make("dt", label), make("dd", shown(value)));
        }
        return list;
    }

    /* A button in the last cell of row that fills a row below it, or takes that away. */
    function expands(row, label, of, fill) {
        const button = make("button", label);
        let below = null;

        button.type = "button";
        button.setAttribute("aria-expanded", "false");
        button.setAttribute("aria-label", `${label} ${of}`);
        button.addEventListener("click", async () => {
            if (below) {
                below.remove();
                below = null;
                button.setAttribute("aria-expanded", "false");
                return;
            }
            const added = make("tr", null, "more");
            const inside = added.insertCell();
            const asked = session;
            inside.colSpan = row.cells.length;
            row.after(added);
            below = added;
            button.setAttribute("aria-expanded", "true");
            try {
                const parts = await fill();
                if (asked === session) inside.replaceChildren(...parts);
            } catch (error) {
                if (asked === session) inside.replaceChildren(make("p", said(error), "said bad"));
            }
        });
        cell(row, button);
    }

    /* ---- sections ---- */

    function checked(title, list) {
        const wrong = Array.isArray(list) ? list.filter((each) => each && each.ok !== true) : [];
        if (!wrong.length) return [];
        return [
            make("h3", title),
            ...wrong.map((each) =>
                facts([
                    ["name", each.name],
                    ["wanted", each.expected],
                    ["got", each.got],
                    ["nearest", each.nearest],
                    ["to do", each.hint],
                ]),
            ),
        ];
    }

    async function explain(id) {
        const trace = await ask(`explain/${encodeURIComponent(id)}`);
        const parts = [
            facts([
                ["id", trace.id],
                ["time", trace.time],
                ["decision", trace.decision],
                ["policy", trace.policy],
                ["reason", trace.reason],
                ["ended reference values", trace.ended_reference_values],
                ["trace", trace.trace_id],
            ]),
            ...checked("Checks that do not hold", trace.checks),
            ...checked("Reference values that the claims differ from", trace.reference_values),
        ];
        if (trace.claims)
            parts.push(make("h3", "Claims"), make("pre", JSON.stringify(trace.claims, null, 2)));
        return parts;
    }

    async function versions(name) {
        const list = await ask(`resource-versions/${name.split("/").map(encodeURIComponent).join("/")}`);
        const table = make("table");
        for (const each of list.slice(0, ROWS_MAX)) {
            const row = table.insertRow();
            cell(row, `version ${each.version}`);
            cell(row, time(each.time));
            cell(row, each.deleted ? "deleted" : `${each.size} bytes`);
        }
        return [table];
    }

    function refusal(body, each) {
        const row = body.insertRow();
        cell(row, time(Date.parse(each.time) / 1000));
        cell(row, each.what);
        cell(row, each.resource ?? each.tee, "name");
        cell(row, each.rule, "name");
        cell(row, each.reason);
        expands(row, "Explain", each.id, () => explain(each.id));
    }

    function resource(body, name) {
        const row = body.insertRow();
        cell(row, name, "name");
        expands(row, "Versions", name, () => versions(name));
    }

    function policy(body, each) {
        const row = body.insertRow();
        cell(row, each.id, "name");
        cell(row, each.about);
        cell(row, each.time === undefined ? "as shipped" : time(each.time));
        cell(row, each.size, "number");
    }

    function reference(body, each) {
        const row = body.insertRow();
        cell(row, each.name, "name");
        cell(row, shown(each.value), "name");
        cell(row, time(each.time));
        if (each.expires === undefined) cell(row, "never");
        else if (each.expires * 1000 >= Date.now()) cell(row, time(each.expires));
        else cell(row, ended(each.expires), "bad");
    }

    function ended(seconds) {
        const element = time(seconds);
        element.prepend("ended ");
        return element;
    }

    function tenant(body, each) {
        const row = body.insertRow();
        const link = make("a", each.name);
        link.href = `../tenants/${encodeURIComponent(each.name)}/admin/`;
        cell(row, link, "name");
        cell(row, each.resources, "number");
        cell(row, each.max_resources ?? "any", "number");
        cell(row, each.bytes, "number");
        cell(row, each.max_bytes ?? "any", "number");
    }

    const SECTIONS = [
        ["refusals", "explain", refusal],
        ["resources", "resource", resource],
        ["policies", "policies", policy],
        ["references", "reference-value", reference],
        ["tenants", "tenants", tenant],
    ];

    function empty(id) {
        const section = byId(id);
        section.querySelector("tbody").replaceChildren();
        section.querySelector("table").hidden = true;
        section.querySelector(".said").textContent = "";
        section.querySelector(".said").classList.remove("bad");
    }

    function fill(id, list, show) {
        const section = byId(id);
        const body = section.querySelector("tbody");
        const note = section.querySelector(".said");

        if (!Array.isArray(list)) throw new TypeError("no list");
        for (const each of list.slice(0, ROWS_MAX)) show(body, each);
        section.querySelector("table").hidden = !list.length;
        if (!list.length) note.textContent = "None.";
        else if (list.length > ROWS_MAX) note.textContent = `The first ${ROWS_MAX} of ${list.length}.`;
        else note.textContent = `${list.length}`;
    }

    async function load([id, path, show], asked) {
        try {
            const list = await ask(path);
            if (asked !== session) return;
            empty(id);
            fill(id, list, show);
        } catch (error) {
            if (asked !== session) return;
            if (error instanceof Refused && error.status === 401) throw error;
            empty(id);
            byId(id).querySelector(".said").textContent = said(error);
            byId(id).querySelector(".said").classList.add("bad");
        }
    }

    /* ---- who is there ---- */

    function leave(why) {
        session++;
        token = "";
        for (const [id] of SECTIONS) empty(id);
        byId("main").hidden = true;
        byId("bar").hidden = true;
        byId("enter").hidden = false;
        byId("token").value = "";
        byId("enter-said").textContent = why;
        byId("token").focus();
    }

    async function refresh() {
        const asked = ++session;
        try {
            await Promise.all(SECTIONS.map((section) => load(section, asked)));
        } catch {
            if (asked === session)
                leave(
                    token
                        ? "The broker does not take this token: it may have ended, or its key is not known."
                        : "The broker knows no client certificate of yours: enter a token.",
                );
            return;
        }
        if (asked !== session) return;
        byId("enter").hidden = true;
        byId("main").hidden = false;
        byId("bar").hidden = false;
        byId("seen").textContent = `as of ${new Date().toLocaleTimeString()}`;
    }

    function enter(event) {
        const given = byId("token").value.trim().replace(/^Bearer\s+/i, "");

        event.preventDefault();
        byId("token").value = "";
        byId("enter-said").textContent = "";
        if (given && !TOKEN.test(given)) {
            byId("enter-said").textContent = "This is no token: one is three parts with dots between them.";
            return;
        }
        token = given;
        refresh();
    }

    byId("where").textContent = new URL("..", location.href).href;
    byId("enter").addEventListener("submit", enter);
    byId("refresh").addEventListener("click", refresh);
    byId("leave").addEventListener("click", () => leave(""));
    window.addEventListener("pagehide", () => leave(""));
    byId("token").focus();
})();
