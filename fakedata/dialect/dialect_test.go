package dialect

import (
	"strings"
	"testing"
)

const postgresScript = `--
-- PostgreSQL database dump
--
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TYPE public.mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE DOMAIN public.short AS character varying(20) CONSTRAINT no_blank CHECK ((length(btrim((VALUE)::text)) > 0)) NOT NULL;
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END; $$;
CREATE TABLE public.person (
    id integer NOT NULL,
    name public.short,
    current_mood public.mood DEFAULT 'happy'::public.mood NOT NULL,
    tags text[],
    net inet,
    age smallint,
    code text,
    "Odd ""name""" numeric(6,2),
    full_code text GENERATED ALWAYS AS ((code || '-x'::text)) STORED,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT age_range CHECK (((age >= 0) AND (age <= 120))),
    CONSTRAINT code_kind CHECK (((code)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))),
    CONSTRAINT odd CHECK (("Odd ""name""" > (0)::numeric)),
    CONSTRAINT strange CHECK ((code ~ '^[a-z]$'::text))
);
CREATE TABLE public.pet (id bigint GENERATED ALWAYS AS IDENTITY, owner integer NOT NULL, nick text, EXCLUDE USING gist (nick WITH =));
COPY public.person (id, name) FROM stdin;
1	a real person
\.
INSERT INTO public.pet (owner, nick) VALUES (1, 'a real pet');
ALTER TABLE ONLY public.person ADD CONSTRAINT person_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pet ADD CONSTRAINT pet_pkey PRIMARY KEY (id);
CREATE UNIQUE INDEX nicks ON public.pet USING btree (lower(nick), owner);
ALTER TABLE ONLY public.pet ADD CONSTRAINT pet_owner FOREIGN KEY (owner) REFERENCES public.person(id);
CREATE TRIGGER touched BEFORE UPDATE ON public.person FOR EACH ROW EXECUTE FUNCTION public.touch();
ALTER TABLE public.person OWNER TO postgres;
`

const mysqlScript = "-- MySQL dump 10.13\n/*!40101 SET @saved_cs_client = @@character_set_client */;\n" +
	"DROP TABLE IF EXISTS `person`;\nCREATE TABLE `person` (\n  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,\n  `na``me` varchar(40) NOT NULL COMMENT 'semi; colon',\n" +
	"  `mood` enum('sad','it''s ok') DEFAULT 'sad',\n  `flags` set('a','b') DEFAULT NULL,\n  `age` tinyint(3) unsigned DEFAULT NULL,\n  `active` tinyint(1) NOT NULL DEFAULT '1',\n" +
	"  `hash` binary(20) DEFAULT NULL,\n  `doubled` int GENERATED ALWAYS AS (`age` * 2) VIRTUAL,\n  `at` datetime DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,\n" +
	"  PRIMARY KEY (`id`),\n  UNIQUE KEY `by_name` (`na``me`(10)),\n  KEY `plain` (`age`),\n  CONSTRAINT `grown` CHECK (`age` between 18 and 99)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n" +
	"CREATE TABLE `pet` (`id` int NOT NULL PRIMARY KEY, `owner` int unsigned NOT NULL, CONSTRAINT `of` FOREIGN KEY (`owner`) REFERENCES `person` (`id`)) ENGINE=InnoDB;\n" +
	"INSERT INTO `person` VALUES (1,'a real; person');\nDELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`%`*/ /*!50003 TRIGGER t BEFORE INSERT ON person FOR EACH ROW BEGIN SET NEW.age = 20; SET NEW.active = 1; END */;;\nDELIMITER ;\n"

func TestTranslate(t *testing.T) {
	for _, c := range []struct {
		dialect Name
		script  string
		ddl     []string
		notes   []string
		after   []string
	}{
		{
			Postgres, postgresScript,
			[]string{
				`"current_mood" TEXT NOT NULL DEFAULT NULL CHECK ("current_mood" IN ('sad', 'it''s ok', 'happy'))`, `"name" VARCHAR(20) NOT NULL CHECK ((length(trim("name")) > 0))`,
				`"tags" TEXT CHECK ("tags" IN ('{}'))`, `"age" INTEGER CHECK ("age" BETWEEN 0 AND 32767)`, `"Odd ""name""" NUMERIC(6,2)`, `"full_code" TEXT AS (NULL)`,
				`CHECK ((("age" >= 0)) AND (("age" <= 120)))`, `CHECK ("code" IN ('a', 'b'))`, `CHECK (("Odd ""name""" > 0))`,
				`PRIMARY KEY ("id")`, `FOREIGN KEY ("owner") REFERENCES "person" ("id")`, `UNIQUE ("nick", "owner")`, `"updated_at" TIMESTAMP NOT NULL`,
			},
			[]string{"person.tags: arrays", "CHECK strange is not understood", "EXCLUDE"},
			[]string{"FOREIGN KEY", "CREATE UNIQUE INDEX", "CREATE TRIGGER"},
		},
		{
			MySQL, mysqlScript,
			[]string{
				"\"na`me\" VARCHAR(40) NOT NULL", `CHECK ("mood" IN ('sad', 'it''s ok'))`, `CHECK ("flags" IN ('a', 'b'))`, `CHECK ("age" BETWEEN 0 AND 255)`,
				`"active" BOOLEAN NOT NULL`, `"hash" VARBINARY(20)`, `"doubled" INTEGER AS (NULL)`, `"at" DATETIME`, `PRIMARY KEY ("id")`, "UNIQUE (\"na`me\")",
				`FOREIGN KEY ("owner") REFERENCES "person" ("id")`, `CHECK ("age" BETWEEN 18 AND 99)`,
			},
			nil,
			[]string{"TRIGGER t BEFORE INSERT"},
		},
	} {
		t.Run(string(c.dialect), func(t *testing.T) {
			if got := Detect(c.script); got != c.dialect {
				t.Fatalf("detected %s", got)
			}
			s, err := Translate(c.dialect, c.script)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.ddl {
				if !strings.Contains(s.DDL, want) {
					t.Errorf("the DDL lacks %s:\n%s", want, s.DDL)
				}
			}
			notes, after := strings.Join(s.Notes, "\n"), strings.Join(s.After, "\n")
			for _, want := range c.notes {
				if !strings.Contains(notes, want) {
					t.Errorf("no note says %q: %s", want, notes)
				}
			}
			if c.notes == nil && notes != "" {
				t.Errorf("noted without need: %s", notes)
			}
			for _, want := range c.after {
				if !strings.Contains(after, want) {
					t.Errorf("not after the rows: %q, but %s", want, after)
				}
			}
			for part, text := range map[string]string{"DDL": s.DDL, "script": strings.Join(s.Before, ";") + after} {
				if strings.Contains(text, "a real") {
					t.Errorf("a row got into the %s", part)
				}
			}
		})
	}
}

func TestBadScripts(t *testing.T) {
	for _, c := range []struct {
		dialect      Name
		script, want string
	}{
		{Postgres, "CREATE TABLE a (id serial;", "does not parse as PostgreSQL"},
		{Postgres, "CREATE TABLE a.t (x int); CREATE TABLE b.t (x int);", "twice"},
		{MySQL, "CREATE TABLE a (id int);\n\nCREATE TABLE b (id int auto_increment,);", "line 3 does not parse as MySQL"},
		{MySQL, "CREATE TABLE b LIKE a", "write its columns out"},
	} {
		_, err := Translate(c.dialect, c.script)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want one line with %q", c.script, err, c.want)
		}
	}
}

func TestDetectSQLite(t *testing.T) {
	for _, script := range []string{
		"CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER UNSIGNED)", "CREATE TABLE t (x TEXT) STRICT", "PRAGMA foreign_keys=ON; CREATE TABLE t (a BIGINT UNSIGNED)",
	} {
		if got := Detect(script); got != SQLite {
			t.Errorf("%q: %s", script, got)
		}
	}
}
