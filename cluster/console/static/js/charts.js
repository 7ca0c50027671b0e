// Draws every <figure data-chart="{...}"> on a canvas, in the colours of the scheme, and again when its data change.
//
// data-chart: {"kind": "line" | "bar" | "stacked", "x": [labels], "series": [{"name", "data": [number or null],
// "tone": "good" | "warn" | "bad" | "plain" | "accent" (else the next of the palette)}], "unit": "" | "percent" (shares of 1) |
// "money:USD" | any word, "horizontal": bool, "area": bool, "most": number}
"use strict";

(() => {
  const charts = new Map();
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const TONES = { good: "--good-fill", warn: "--warn-fill", bad: "--bad-fill", plain: "--chart-6", accent: "--chart-1" };
  let loading = null;

  // Half a megabyte, for the pages that draw.
  const loaded = () => {
    loading ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = document.querySelector('meta[name="echarts"]').content;
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    });
    return loading;
  };

  const words = (unit, compact = false) => {
    const shape = { maximumFractionDigits: compact ? 1 : 3, ...(compact ? { notation: "compact" } : {}) };
    if (unit === "percent") return new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: compact ? 0 : 2 }).format;
    if (unit.startsWith("money:")) {
      return new Intl.NumberFormat("en", { ...(compact ? shape : {}), style: "currency", currency: unit.slice(6), ...(compact ? { maximumFractionDigits: 1, minimumFractionDigits: 0 } : {}) }).format;
    }
    const plain = new Intl.NumberFormat("en", shape).format;
    return unit && !compact ? (value) => `${plain(value)} ${unit}` : plain;
  };

  const series = (given, one, at) => {
    const tint = colour(TONES[one.tone] ?? `--chart-${(at % 6) + 1}`);
    const stacked = given.kind === "stacked";
    if (given.kind === "line") {
      return {
        type: "line", name: one.name, data: one.data, showSymbol: one.data.length < 2, symbolSize: 6, connectNulls: false,
        lineStyle: { width: 2, color: tint }, itemStyle: { color: tint }, emphasis: { disabled: true },
        ...(given.area ? { areaStyle: { color: tint, opacity: 0.12 } } : {}),
      };
    }
    const rounded = given.horizontal ? [0, 3, 3, 0] : [3, 3, 0, 0];
    return {
      type: "bar", name: one.name, data: one.data, itemStyle: { color: tint, borderRadius: stacked ? 0 : rounded },
      barMaxWidth: 20, barCategoryGap: "28%", emphasis: { disabled: true }, ...(stacked ? { stack: "all" } : {}),
    };
  };

  const option = (given) => {
    const ink = colour("--chart-text");
    const grid = colour("--chart-grid");
    const unit = given.unit ?? "";
    const font = getComputedStyle(document.body).fontFamily;
    const named = given.series.length > 1;
    const labels = { color: ink, fontSize: 11, fontFamily: font, hideOverlap: true };
    const category = {
      type: "category", data: given.x, boundaryGap: given.kind !== "line", inverse: Boolean(given.horizontal),
      axisLine: { lineStyle: { color: grid } }, axisTick: { show: false }, axisLabel: labels,
    };
    const amount = {
      type: "value", max: given.most, interval: given.most ? given.most / 4 : undefined, splitNumber: 4, axisLabel: { ...labels, formatter: words(unit, true) },
      splitLine: { lineStyle: { color: grid } }, minInterval: unit === "" && !given.fine ? 1 : 0,
    };
    return {
      animation: !still.matches, animationDuration: 0, animationDurationUpdate: 250, textStyle: { fontFamily: font },
      aria: { enabled: false },
      grid: { left: 2, right: 20, top: named ? 34 : 12, bottom: 2, containLabel: true },
      legend: named ? {
        top: 0, left: 0, itemWidth: 10, itemHeight: 10, itemGap: 14, icon: "roundRect", type: "scroll",
        textStyle: { color: ink, fontSize: 12, fontFamily: font }, pageTextStyle: { color: ink }, pageIconColor: ink,
      } : { show: false },
      tooltip: {
        trigger: "axis", renderMode: "richText", confine: true, backgroundColor: colour("--surface"),
        borderColor: colour("--line"), borderWidth: 1, padding: [8, 10], valueFormatter: (value) => (value == null ? "–" : words(unit)(value)),
        textStyle: { color: colour("--text"), fontSize: 12, fontFamily: font },
        axisPointer: { type: given.kind === "line" ? "line" : "shadow", lineStyle: { color: ink, width: 1, type: "dashed" }, shadowStyle: { color: ink, opacity: 0.08 } },
      },
      xAxis: given.horizontal ? amount : category, yAxis: given.horizontal ? category : amount,
      series: given.series.map((one, at) => series(given, one, at)),
    };
  };

  const draw = (figure) => {
    const plot = figure.querySelector(".plot");
    if (!plot || !plot.clientWidth) return;
    let chart = charts.get(plot);
    if (!chart) {
      chart = echarts.init(plot, null, { renderer: "canvas" });
      charts.set(plot, chart);
      sizes.observe(plot);
    }
    chart.setOption(option(JSON.parse(figure.dataset.chart)), { replaceMerge: ["series"] });
  };

  const forget = () => {
    for (const [plot, chart] of charts) {
      if (!plot.isConnected) {
        chart.dispose();
        sizes.unobserve(plot);
        charts.delete(plot);
      }
    }
  };

  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (charts.has(target) && target.clientWidth) charts.get(target).resize();
    }
  });

  const all = async (figures) => {
    forget();
    if (!figures.length) return;
    await loaded();
    figures.forEach(draw);
  };
  const every = () => all([...document.querySelectorAll("figure[data-chart]")]);

  new MutationObserver((changes) => {
    const figures = new Set();
    for (const { type, target, addedNodes } of changes) {
      if (type === "attributes") figures.add(target);
      for (const node of addedNodes) {
        if (node instanceof Element) {
          if (node.matches("figure[data-chart]")) figures.add(node);
          node.querySelectorAll("figure[data-chart]").forEach((figure) => figures.add(figure));
        }
      }
    }
    if (figures.size) all([...figures]);
    else forget();
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-chart"] });

  // A figure that was hidden (in a closed <details>) is drawn once it is seen.
  document.addEventListener("toggle", (event) => all([...event.target.querySelectorAll("figure[data-chart]")]), true);
  dark.addEventListener("change", every);
  every();
})();
